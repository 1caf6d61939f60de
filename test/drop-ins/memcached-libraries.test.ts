// Libraries that take a client of memcached, as they are, with libmemcached/memcached instead.

import express from 'express';
import { rateLimit } from 'express-rate-limit';
import session, { type SessionOptions } from 'express-session';
import { MemcachedStore as RateLimitStore } from 'rate-limit-memcached';
import { RateLimiterMemcache, RateLimiterRes } from 'rate-limiter-flexible';
import { type AddressInfo } from 'node:net';
import type { Server } from 'node:http';

import { Client } from '../../lib/index';
import Memcached from '../../lib/integrations/memcached';
import { useServers } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const servers = useServers(2);
const locations = (): string[] => servers().map(({ address }) => address);
let client: Memcached;
beforeAll(() => {
  client = new Memcached(locations());
});
afterAll(() => {
  client.end();
});

/** Serves an app while the test runs, and returns what asks it. */
async function serve(app: express.Express): Promise<{ ask: (cookie?: string) => Promise<Response>; server: Server }> {
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => {
      resolve(listening);
    });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { server, ask: (cookie = '') => fetch(url, { headers: { cookie, connection: 'close' } }) };
}

describe('rate-limiter-flexible', () => {
  const limiter = (): RateLimiterMemcache =>
    new RateLimiterMemcache({ storeClient: client, keyPrefix: uniqueKey(), points: 5, duration: 10 });

  it('consumes points, and rejects above them', async () => {
    const limit = limiter();
    for (let consumed = 1; consumed <= 5; consumed += 1)
      expect(await limit.consume('user')).toMatchObject({ consumedPoints: consumed, remainingPoints: 5 - consumed });
    const rejected = await limit.consume('user').catch((error: unknown) => error);
    expect(rejected).toBeInstanceOf(RateLimiterRes);
    expect((rejected as RateLimiterRes).msBeforeNext).toBeGreaterThan(8000);
    expect((rejected as RateLimiterRes).msBeforeNext).toBeLessThanOrEqual(10_000);
  });

  it('counts what comes at once', async () => {
    const limit = limiter();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => limit.consume('user')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(await limit.get('user')).toMatchObject({ consumedPoints: 20 });
  });

  it('gets, sets, rewards, blocks and deletes', async () => {
    const limit = limiter();
    expect(await limit.get('user')).toBeNull();
    await limit.set('user', 3, 10);
    await limit.penalty('user', 1);
    await limit.block('other', 10);
    expect(await limit.get('user')).toMatchObject({ consumedPoints: 4 });
    expect(await limit.get('other')).toMatchObject({ consumedPoints: 6 });
    expect(await limit.delete('user')).toBe(true);
    expect(await limit.delete('user')).toBe(false);
  });

  it('forgets after the duration', async () => {
    const limit = new RateLimiterMemcache({ storeClient: client, keyPrefix: uniqueKey(), points: 1, duration: 1 });
    await limit.consume('user');
    await expect(limit.consume('user')).rejects.toBeInstanceOf(RateLimiterRes);
    const start = Date.now();
    while ((await limit.get('user')) !== null && Date.now() - start < 5000)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await limit.consume('user');
  });
});

it('rate-limit-memcached limits express-rate-limit', async () => {
  const app = express();
  const store = new RateLimitStore({ client, prefix: uniqueKey() });
  app.use(rateLimit({ windowMs: 60_000, limit: 2, standardHeaders: 'draft-7', legacyHeaders: false, store }));
  app.get('/', (_request, response) => {
    response.send('ok');
  });
  const { ask, server } = await serve(app);
  const answers = [await ask(), await ask(), await ask()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers.map(({ headers }) => /remaining=(\d)/.exec(String(headers.get('ratelimit')))?.[1])).toEqual([
    '1',
    '0',
    '0',
  ]);
  await store.resetKey('::ffff:127.0.0.1');
  await store.resetKey('127.0.0.1');
  expect((await ask()).status).toBe(200);
  server.close();
});

it.each([
  ['plain', {}],
  ['encrypted', { secret: 'A secret of 32 Characters, 1 digit!' }],
])('connect-memcached keeps the sessions of express-session (%s)', async (_name, options) => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS, without types that are true
  const makeStore = require('connect-memcached') as (given: typeof session) => new (options: object) => session.Store;
  const Store = makeStore(session);
  const settings: SessionOptions = {
    secret: 'keyboard cat',
    resave: false,
    saveUninitialized: true,
    store: new Store({ client, prefix: uniqueKey(), ...options }),
  };
  const app = express();
  app.use(session(settings));
  app.get('/', (request, response) => {
    const seen = request.session as { views?: number };
    seen.views = (seen.views ?? 0) + 1;
    response.send(String(seen.views));
  });
  const { ask, server } = await serve(app);
  const first = await ask();
  const cookie = first.headers.get('set-cookie')?.split(';')[0] as string;
  expect([await first.text(), await (await ask(cookie)).text(), await (await ask(cookie)).text()]).toEqual([
    '1',
    '2',
    '3',
  ]);
  server.close();
});

// It takes clients with promises (memcache-plus, memcache-pp): this package's own, with the names that it calls.
it('cache-manager-memcached-store works with a driver of nine lines', async () => {
  class Driver extends Client {
    constructor({ hosts, ...options }: { hosts: string[] }) {
      super(hosts, options);
    }
    // What it calls `getMulti` wants an object.
    getMultiAsObject = async (keys: string[]): Promise<object> => Object.fromEntries(await super.getMulti(keys));
    flush = (): Promise<true> => this.flushAll();
  }
  interface Store {
    get(key: string): Promise<unknown>;
    set(key: string, value: unknown, options?: number): Promise<true>;
    mset(pairs: [string, unknown][], options?: number): Promise<true>;
    del(key: string): Promise<null>;
    mdel(keys: string[]): Promise<null>;
    ttl(key: string): Promise<number>;
    reset(): Promise<null>;
    memcached: Client;
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS, without types
  const { create } = require('cache-manager-memcached-store') as { create(options: object): Store };
  const store = create({ driver: Driver, options: { hosts: locations() } });
  const [a, b] = [uniqueKey(), uniqueKey()];
  await store.set(a, { n: 1 }, 30);
  await store.mset([[b, 'two']], 30);
  expect([await store.get(a), await store.get(b), await store.get(uniqueKey())]).toEqual([{ n: 1 }, 'two', undefined]);
  expect(await store.ttl(a)).toBeGreaterThan(25);
  await store.del(a);
  expect(await store.get(a)).toBeUndefined();
  await store.mdel([b]);
  expect(await store.get(b)).toBeUndefined();
  await store.reset();
  await store.memcached.close();
});
