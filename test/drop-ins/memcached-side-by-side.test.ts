// libmemcached/memcached beside memcached 2.2.2 itself: the same calls, the same results, errors and contexts.

import Memcached from '../../lib/integrations/memcached';
import { callBack, startBothSides, type Outcome, type Sides } from '../support/side-by-side';
import { stopAll } from '../support/memcached-servers';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS
const TheirMemcached = require('memcached') as typeof Memcached;

afterAll(stopAll);

const long = 'k'.repeat(251);
type Call = [method: string, ...args: unknown[]];
const calls: Record<string, Call[]> = {
  'values of every type': [
    ...[['set', 's', 'x', 10] as Call, ['get', 's'] as Call, ['set', 5, 'five', 0] as Call, ['get', '5'] as Call],
    ...[['set', 'n', 10, 0] as Call, ['get', 'n'] as Call, ['set', 'nan', NaN, 0] as Call, ['get', 'nan'] as Call],
    ...[
      ['set', 'o', { a: [1, null] }, 0] as Call,
      ['get', 'o'] as Call,
      ['set', 'l', [1], 0] as Call,
      ['get', 'l'] as Call,
    ],
    ...[['set', 'b', Buffer.from([0, 255, 13, 10]), 0] as Call, ['get', 'b'] as Call],
    ...[['set', 't', true, 0] as Call, ['get', 't'] as Call, ['set', 'nil', null, 0] as Call, ['get', 'nil'] as Call],
    ...[['set', 'e', '', 0] as Call, ['get', 'e'] as Call, ['set', 'ü', 'é\r\n', 0] as Call, ['get', 'ü'] as Call],
    ['set', 'u', undefined, 0],
    ['set', 'f', () => 1, 0],
    ['set', 'big', 10n, 0],
  ],
  'writes that are refused': [
    ['add', 's', 'y', 0],
    ['add', 'new', 'y', 0],
    ['replace', 'new', 'z', 0],
    ['replace', 'missing', 'z', 0],
    ['append', 'new', '1'],
    ['prepend', 'new', '0'],
    ['append', 'new', 5],
    ['append', 'new', Buffer.from('q')],
    ['append', 'new', { x: 1 }],
    ['append', 'missing', '1'],
    ['prepend', 'missing', '1'],
    ['get', 'new'],
    ['append', 'n', 'x'],
    ['get', 'n'],
    ['set', 'large', 'x'.repeat(1_048_577), 0],
  ],
  counters: [
    ['set', 'c', 10, 0],
    ['decr', 'c', 1],
    ['get', 'c'],
    ['incr', 'c', 5],
    ['incr', 'missing', 1],
    ['decr', 'missing', 1],
    ['incr', 's', 1],
    ['incr', 'c', -1],
    ['incr', 'c', 1.5],
    ['incr', 'c', '1'],
    ['incr', 'c', undefined],
    ['increment', 'c', 1],
    ['decrement', 'c', 100],
  ],
  'compare and swap': [
    ['gets', 's'],
    ['gets', 'missing'],
    ['cas', 's', 'v', '1', 0],
    ['cas', 'missing', 'v', '1', 0],
    ['cas', 's', 'v', 'abc', 0],
  ],
  'expiry times': [
    ['set', 'k', 'x', undefined],
    ['set', 'k', 'x', '10'],
    ['set', 'k', 'x', 1.5],
    ['set', 'k', 'x', NaN],
    ['set', 'k', 'x', -1],
    ['get', 'k'],
    ['set', 'k', 'x', 30 * 86_400],
    ['get', 'k'],
    ['set', 'k', 'x', Math.floor(Date.now() / 1000) + 100],
    ['get', 'k'],
    ['touch', 'n', 10],
    ['touch', 'n', -1],
    ['get', 'n'],
    ['touch', 'missing', 10],
    ['touch', 'k', undefined],
  ],
  keys: [
    ['get', 5],
    ['get', undefined],
    ['get', 'a b'],
    ['get', 'a\nb'],
    ['set', 'a b', 'x', 0],
    ['get', long],
    ['set', long, 'L', 0],
    ['get', long],
    ['gets', long],
    ['getMulti', [long, 'o']],
    ['del', long],
    ['del', 'a\tb'],
    ['incr', 'a b', 1],
  ],
  'many keys': [
    ['getMulti', ['o', 't', 'missing']],
    ['get', ['o', 't']],
    ['getMulti', ['missing']],
    ['getMulti', ['a b', 'o']],
    ['getMulti', [5]],
  ],
  deleting: [
    ['del', 's'],
    ['del', 's'],
    ['delete', 'o'],
  ],
  servers: [
    ['cachedump', 'SERVER', 1, 1],
    ['cachedump', 'SERVER', 9, 1],
    ['cachedump', 'SERVER', '1', 1],
    ['version'],
    ['stats'],
    ['settings'],
    ['slabs'],
    ['items'],
    ['statsSettings'],
    ['statsSlabs'],
    ['statsItems'],
    ['flush'],
    ['get', 't'],
    ['flushAll'],
  ],
};

/** What must not differ: not the times, the numbers of statistics, and the addresses. */
function comparable(call: Call, { error, results, context, thrown }: Outcome, address: string): unknown {
  if (thrown !== undefined) return { thrown };
  const own = context as Record<string, unknown> | string | undefined;
  const isQuery = typeof own === 'object' && 'validate' in own;
  return {
    error,
    results: results?.map((result) => withoutNumbers(call[0], result, address)),
    // memcached's context of a value that is too large is the prototype of its clients.
    context: isQuery ? queryOf(own) : typeof own === 'object' ? 'the client' : own,
  };
}

function queryOf(query: Record<string, unknown>): unknown {
  const names = ['type', 'key', 'value', 'lifetime', 'cas', 'number', 'slabid', 'redundancyEnabled'];
  return {
    ...Object.fromEntries(names.map((name) => [name, query[name]])),
    command: String(query.command).trim(),
    validate: (query.validate as [string, unknown][]).map(([name]) => name),
    times: [typeof query.start, typeof query.execution],
    callback: typeof query.callback,
  };
}

function withoutNumbers(method: string, result: unknown, address: string): unknown {
  if (/^(version|stats\w*|settings|slabs|items)$/.test(method)) {
    const text = JSON.stringify(result, (name, value: unknown) =>
      typeof value === 'number' || (name !== 'server' && /^\d+$|\.\d+$/.test(String(value))) ? 0 : value,
    );
    return JSON.parse(text.replaceAll(address, 'SERVER').replaceAll(/\d{5}/g, 'PORT')) as unknown;
  }
  const { cas } = (result ?? {}) as { cas?: string };
  return cas === undefined ? result : { ...(result as object), cas: /^\d+$/.test(cas) };
}

describe.each([
  ['the defaults', {}],
  ['a namespace', { namespace: 'ns:' }],
  ['keys that are not compressed', { keyCompression: false }],
])('with %s', (_name, options) => {
  let sides: Sides<Memcached, Memcached>;
  beforeAll(async () => {
    const servers = await startBothSides(1);
    const [theirs, ours] = [servers.theirs[0], servers.ours[0]];
    sides = {
      servers,
      theirs: new TheirMemcached(theirs?.address, { poolSize: 1, retries: 0, ...options }),
      ours: new Memcached(ours?.address, options),
    };
  });
  afterAll(() => {
    sides.theirs.end();
    sides.ours.end();
  });

  it.each(Object.entries(calls))('%s', async (_kind, list) => {
    for (const call of list) {
      const run = async (client: object, address: string): Promise<unknown> => {
        const [method, ...args] = call.map((argument) => (argument === 'SERVER' ? address : argument));
        return comparable(call, await callBack(client, method as string, args), address);
      };
      const theirs = await run(sides.theirs, sides.servers.theirs[0]?.address as string);
      const ours = await run(sides.ours, sides.servers.ours[0]?.address as string);
      expect([call, ours]).toEqual([call, theirs]);
    }
    expect(sides.ours.activeQueries).toBe(0);
  });
});

// It has to be theirs that is different, or the list in docs/migrating-from-memcached.md is not true.
describe('what is different on purpose', () => {
  let sides: Sides<Memcached, Memcached>;
  beforeAll(async () => {
    const servers = await startBothSides(1);
    const [theirs, ours] = [servers.theirs[0]?.address as string, servers.ours[0]?.address as string];
    sides = {
      servers,
      theirs: new TheirMemcached(theirs, { retry: 1, failures: 1, failuresTimeout: 1 }),
      ours: new Memcached(ours),
    };
  });
  afterAll(() => {
    sides.theirs.end();
    sides.ours.end();
  });
  const both = async (...[method, ...args]: Call): Promise<[Outcome, Outcome]> => [
    await callBack(sides.theirs, method, args),
    await callBack(sides.ours, method, args),
  ];

  it('a time above 30 days is a duration', async () => {
    await both('set', 'month', 'x', 31 * 86_400);
    const [theirs, ours] = await both('get', 'month');
    expect(theirs.results).toEqual([undefined]);
    expect(ours.results).toEqual(['x']);
  });

  it('an async callback is a callback', async () => {
    const outcome = (client: Memcached): Promise<unknown> =>
      new Promise((resolve) => {
        // eslint-disable-next-line @typescript-eslint/no-misused-promises, @typescript-eslint/require-await -- the point
        client.get('missing', async (...args) => {
          resolve(args.map(String));
        });
      });
    expect(await outcome(sides.theirs)).toEqual(['Error: Argument "callback" is not a valid Function.']);
    expect(await outcome(sides.ours)).toEqual(['undefined', 'undefined']);
  });

  it('a call without a callback is sent', async () => {
    sides.theirs.set('silent', 'x', 0, undefined as never);
    sides.ours.set('silent', 'x', 0);
    const [theirs, ours] = await both('get', 'silent');
    expect(theirs.results).toEqual([undefined]);
    expect(ours.results).toEqual(['x']);
  });

  it('no keys are an answer', async () => {
    expect(await callBack(sides.ours, 'getMulti', [[]])).toEqual({
      error: undefined,
      results: [{}],
      context: undefined,
    });
    let isCalled = false;
    sides.theirs.getMulti([], () => (isCalled = true));
    await callBack(sides.theirs, 'version', []);
    expect(isCalled).toBe(false);
  });

  it('an empty key is named', async () => {
    const [theirs, ours] = await both('get', '');
    expect(theirs.error).toEqual([{ message: 'Received an ERROR response' }]);
    expect(ours.error).toMatchObject({ code: 'ERR_MEMCACHED_BAD_KEY' });
  });

  it('the server says why it does not store a value', async () => {
    const value = 'x'.repeat(1_100_000);
    sides.ours.maxValue = 2_000_000;
    (sides.theirs as { maxValue: number }).maxValue = 2_000_000;
    const [theirs, ours] = await both('set', 'large', value, 0);
    expect(theirs).toMatchObject({ error: undefined, results: [false] });
    expect(ours.error).toMatchObject({ code: 'ERR_MEMCACHED_TOO_BIG' });
    // And the server is not taken for failed.
    expect(await callBack(sides.ours, 'get', ['large'])).toMatchObject({ error: undefined, results: [undefined] });
  });
});
