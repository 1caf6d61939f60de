// The cache handler as Next 16 drives it: one for each request, several instances of an application. `npm run test:next` has Next
// itself do so.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from '../../lib/index';
import { nextCacheHandler, type NextCacheHandler, type NextValue } from '../../lib/integrations/next-cache-handler';
import { useServers } from '../support/clients';
import { startMemcached } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const servers = useServers(2);
const list = (): string[] => servers().map(({ address }) => address);
type Make = () => NextCacheHandler;
let keyPrefix: string;
beforeEach(() => {
  keyPrefix = `${uniqueKey()}:`;
});

/** An instance of the application: what it returns makes the handler of a request. */
function instance(options: Parameters<typeof nextCacheHandler>[1] = {}, places: string[] = list()): Make {
  const Handler = nextCacheHandler(places, { keyPrefix, buildId: 'build', timeout: 2000, ...options });
  return () => new Handler({});
}

const page = (html: string, tags = '_N_T_/page'): NextValue => ({
  kind: 'APP_PAGE',
  html,
  headers: { 'x-next-cache-tags': tags },
  rscData: Buffer.from([0, 255]),
  segmentData: new Map([['/_tree', Buffer.from('tree')], ['/empty', Buffer.alloc(0)]]), // prettier-ignore
  status: 200,
} as NextValue); // prettier-ignore
const fetched = (body: string, tags: string[] = []): NextValue =>
  ({ kind: 'FETCH', data: { body, headers: {}, url: 'http://x/' }, tags, revalidate: 60 }) as NextValue;
const isPage = { kind: 'APP_PAGE' };
const cacheControl = { revalidate: 60, expire: 3600 };
const anHour = { cacheControl };

describe('entries', () => {
  it('are shared by all instances, with their lifetimes', async () => {
    const [one, other] = [instance(), instance()];
    const value = page('<p>ü</p>'.repeat(1000));
    await one().set('/route/$/page', value, anHour);
    const found = await other().get('/route/$/page', isPage);
    expect(found).toEqual({ value, cacheControl, lastModified: expect.any(Number) });
    expect(Math.abs(Date.now() - Number(found?.lastModified))).toBeLessThan(5000);
    expect(Buffer.isBuffer((found?.value as unknown as { rscData: unknown }).rscData)).toBe(true);
    expect(await other().get('/route/$/other', isPage)).toBeNull();
  });

  it.each<[string, NextValue | null, object, string]>([
    [
      'a route’s',
      { kind: 'APP_ROUTE', body: Buffer.from('body'), status: 200, headers: {} } as NextValue,
      anHour,
      'APP_ROUTE',
    ],
    ['a page’s', { kind: 'PAGES', html: 'x', pageData: { a: [1] }, headers: {} } as NextValue, anHour, 'PAGES'],
    ['a redirect', { kind: 'REDIRECT', props: { to: '/' } } as NextValue, anHour, 'PAGES'],
    [
      'an image',
      { kind: 'IMAGE', buffer: Buffer.from('image'), etag: 'e', extension: 'png' } as NextValue,
      { kind: 'IMAGE' },
      'IMAGE',
    ],
    ['a fetch’s', fetched('x'), { fetchCache: true, tags: [] }, 'FETCH'],
    ['a page that is not found', null, anHour, 'PAGES'],
  ])('may be %s', async (_kind, value, setContext, kind) => {
    const one = instance();
    await one().set('/key', value, setContext);
    expect((await one().get('/key', { kind }))?.value).toEqual(value);
  });

  it('of another build are not found, but its fetches are', async () => {
    const [old, latest] = [instance({ buildId: 'old' }), instance({ buildId: 'new' })];
    await old().set('/page', page('old'), anHour);
    await old().set('hash', fetched('data'), { fetchCache: true, tags: [] });
    expect(await latest().get('/page', isPage)).toBeNull();
    expect((await latest().get('hash', { kind: 'FETCH' }))?.value).toEqual(fetched('data'));
  });

  it('know their build from its folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libmemcached-next-'));
    mkdirSync(join(folder, 'server'));
    writeFileSync(join(folder, 'BUILD_ID'), 'build\n');
    const Handler = nextCacheHandler(list(), { keyPrefix });
    await new Handler({ serverDistDir: join(folder, 'server') }).set('/page', page('x'), anHour);
    expect(await instance()().get('/page', isPage)).not.toBeNull();
    rmSync(folder, { recursive: true });
  });

  it('of another application are not found', async () => {
    await instance()().set('/page', page('x'), anHour);
    expect(await instance({ keyPrefix: `${keyPrefix}other:` })().get('/page', isPage)).toBeNull();
  });
});

describe('revalidateTag', () => {
  it.each<[string, string, string]>([
    ['of a page', 'posts', '_N_T_/page,posts'],
    ['of a path', '_N_T_/page', '_N_T_/page'],
  ])('%s in one instance is seen in the other', async (_what, tag, tags) => {
    const [one, other] = [instance(), instance()];
    await one().set('/page', page('old', tags), anHour);
    expect(await other().get('/page', isPage)).not.toBeNull();
    await other().revalidateTag(tag);
    expect(await one().get('/page', isPage)).toBeNull();
    await one().set('/page', page('new', tags), anHour);
    expect((await other().get('/page', isPage))?.value).toMatchObject({ html: 'new' });
  });

  it('leaves what has other tags', async () => {
    const one = instance();
    await one().set('/page', page('x', 'a,b'), anHour);
    await one().revalidateTag(['c', 'd']);
    expect(await one().get('/page', isPage)).not.toBeNull();
  });

  it('of a path reaches the fetches of its pages only', async () => {
    const [one, other] = [instance(), instance()];
    const context = (path: string): { kind: string; tags: string[]; softTags: string[] } => ({
      kind: 'FETCH',
      tags: ['posts'],
      softTags: [`_N_T_${path}`],
    });
    const load = async (make: Make, path: string): Promise<string> => {
      const handler = make();
      if ((await handler.get('hash', context(path))) !== null) return 'hit';
      await handler.set('hash', fetched('x', ['posts']), { fetchCache: true, tags: ['posts'] });
      return 'miss';
    };
    expect(await load(one, '/a')).toBe('miss');
    expect(await load(other, '/a')).toBe('hit');
    await new Promise((resolve) => setTimeout(resolve, 2)); // the clock of this machine
    await one().revalidateTag('_N_T_/a');
    expect(await load(other, '/a')).toBe('miss');
    expect(await load(one, '/a')).toBe('hit');
    await one().revalidateTag('posts');
    expect(await load(other, '/a')).toBe('miss');
  });

  it('while a page is made is not missed', async () => {
    const [one, other] = [instance(), instance()];
    const rendering = one();
    await rendering.get('hash', { kind: 'FETCH', tags: ['posts'], softTags: ['_N_T_/page'] });
    await other().revalidateTag('posts');
    await rendering.set('hash', fetched('old', ['posts']), { fetchCache: true, tags: ['posts'] });
    await rendering.set('/page', page('old', 'posts,_N_T_/page'), anHour);
    expect(await other().get('/page', isPage)).toBeNull();
    expect(await other().get('hash', { kind: 'FETCH', tags: ['posts'] })).toBeNull();
  });

  it('in a request itself is no reason not to keep what it makes', async () => {
    const one = instance();
    const action = one();
    await action.get('hash', { kind: 'FETCH', tags: ['posts'] });
    await action.revalidateTag('posts');
    await action.set('/page', page('new', 'posts'), anHour);
    expect((await one().get('/page', isPage))?.value).toMatchObject({ html: 'new' });
  });

  it('with a duration has what is stale served until then', async () => {
    const [one, other] = [instance(), instance()];
    await one().set('/page', page('old', 'posts'), anHour);
    await one().set('hash', fetched('old', ['posts']), { fetchCache: true, tags: ['posts'] });
    await one().revalidateTag('posts', { expire: 60 });
    const stale = await other().get('/page', isPage);
    expect(stale?.value).toMatchObject({ html: 'old' });
    // To Next that is older than `revalidate`, but not than `expire`.
    expect(Date.now() - Number(stale?.lastModified)).toBeGreaterThan(60_000);
    expect(Date.now() - Number(stale?.lastModified)).toBeLessThan(3_600_000);
    const staleFetch = await other().get('hash', { kind: 'FETCH', tags: ['posts'] });
    expect(Date.now() - Number(staleFetch?.lastModified)).toBeGreaterThan(60_000);
    const again = other();
    await again.get('/page', isPage);
    await again.set('/page', page('new', 'posts'), anHour);
    expect(Date.now() - Number((await one().get('/page', isPage))?.lastModified)).toBeLessThan(10_000);
  });

  it('a static page that is stale is served, and made again', async () => {
    const one = instance();
    await one().set('/page', page('old', 'posts'), { cacheControl: { revalidate: false } });
    await one().revalidateTag('posts', { expire: 60 });
    expect(await one().get('/page', isPage)).toMatchObject({ value: { html: 'old' }, cacheControl: { revalidate: 1 } });
  });

  it('whose duration is over has nothing served', async () => {
    const one = instance();
    await one().set('/page', page('old', 'posts'), anHour);
    await one().revalidateTag('posts', { expire: 0 });
    expect(await one().get('/page', isPage)).toBeNull();
  });

  it('a tag whose state was evicted has nothing served', async () => {
    const [one, client] = [instance(), new Client(list())];
    await one().set('/page', page('old', 'posts'), anHour);
    expect(await one().get('/page', isPage)).not.toBeNull();
    const { createHash } = await import('node:crypto');
    expect(await client.delete(`${keyPrefix}tag:${createHash('sha256').update('posts').digest('base64url')}`)).toBe(
      true,
    );
    expect(await one().get('/page', isPage)).toBeNull();
    await client.close();
  });

  it('many at once are all of an effect', async () => {
    const make = [instance(), instance()] as const;
    await make[0]().set('/page', page('old', 'posts'), anHour);
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (make[index % 2] as Make)().revalidateTag('posts', index === 5 ? undefined : { expire: 60 }),
      ),
    );
    expect(await make[0]().get('/page', isPage)).toBeNull();
  });
});

describe('a cache that fails', () => {
  it('is no cache', async () => {
    const onError = jest.fn(() => {
      throw new Error('an error in the handler of errors');
    });
    const make = instance({ onError, timeout: 200 }, ['127.0.0.1:1']);
    expect(await make().get('/page', isPage)).toBeNull();
    await make().set('/page', page('x'), anHour);
    await make().revalidateTag('posts');
    expect(onError).toHaveBeenCalledTimes(3);
    expect(onError.mock.calls.every(([error]: unknown[]) => error instanceof Error)).toBe(true);
  });

  it('has what was revalidated while it was away revalidated when it is back', async () => {
    const server = await startMemcached();
    const options = { timeout: 200, behaviors: { retry_timeout: 0 } };
    const [one, other] = [instance(options, [server.address]), instance(options, [server.address])];
    await one().set('/page', page('old', 'posts'), anHour);
    await one().set('/other', page('old', 'else'), anHour);
    server.suspend();
    await one().revalidateTag('posts');
    server.resume();
    // This instance knows at once; the other when this one has written it.
    let found = await one().get('/other', isPage);
    for (let left = 20; found === null && left > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      found = await one().get('/other', isPage);
    }
    expect(found).not.toBeNull();
    expect(await one().get('/page', isPage)).toBeNull();
    expect(await other().get('/page', isPage)).toBeNull();
    await server.stop();
  });

  it.each([Buffer.from('nonsense'), Buffer.alloc(0), Buffer.from([255, 255, 255, 255, 0]), 'text', { a: 1 }])(
    'and so is one with %p in it',
    async (value) => {
      const { createHash } = await import('node:crypto');
      const client = new Client(list());
      const key = createHash('sha256')
        .update(JSON.stringify(['build', '/page']))
        .digest('base64url');
      await client.set(keyPrefix + key, value);
      expect(await instance()().get('/page', isPage)).toBeNull();
      await client.close();
    },
  );

  it('a page that is too large is not kept, and neither is what was there', async () => {
    const one = instance({ minCompressLen: 0 });
    await one().set('/page', page('old'), anHour);
    await one().set('/page', page('x'.repeat(2_000_000)), anHour);
    expect(await one().get('/page', isPage)).toBeNull();
  });
});

describe('while next build runs', () => {
  afterEach(() => {
    delete process.env.NEXT_PHASE;
  });

  it('nothing is read or written', async () => {
    const one = instance();
    await one().set('/page', page('x'), anHour);
    process.env.NEXT_PHASE = 'phase-production-build';
    expect(await one().get('/page', isPage)).toBeNull();
    await one().set('/page', page('built'), anHour);
    await one().revalidateTag('_N_T_/page');
    delete process.env.NEXT_PHASE;
    expect((await one().get('/page', isPage))?.value).toMatchObject({ html: 'x' });
  });
});

it('a client may be given, without options of its own', async () => {
  const client = new Client(list());
  const Handler = nextCacheHandler(client, { keyPrefix });
  await new Handler().set('/page', page('x'), anHour);
  expect(await new Handler().get('/page', isPage)).not.toBeNull();
  expect(() => nextCacheHandler(client, { timeout: 5 })).toThrow(
    'set these options on the client that you pass: timeout',
  );
  await client.close();
});
