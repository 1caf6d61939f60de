// libmemcached/memjs beside memjs 1.3.2 itself: the same calls, the same results, errors and messages to the logger.

import TheirMemjs from 'memjs';

import memjs, { Client } from '../../lib/integrations/memjs';
import { callBack, plainError, startBothSides, type Outcome, type Sides } from '../support/side-by-side';
import { stopAll } from '../support/memcached-servers';

afterAll(stopAll);

type Call = [method: string, ...args: unknown[]];
const long = 'k'.repeat(251);
const now = Math.floor(Date.now() / 1000);
/** The server closes the connection after these, and memjs does not notice: each on a new one. */
const refusedKeys: Call[] = [
  ['get', ''],
  ['set', '', 'x', {}],
  ['get', long],
  ['set', long, 'x', {}],
  ['delete', long],
  ['touch', long, 1],
  ['increment', long, 1, {}],
  ['append', long, 'x'],
];
const calls: Record<string, Call[]> = {
  'values of every type': [
    ['set', 's', 'text'],
    ['get', 's'],
    ['set', 'b', Buffer.from([0, 255, 13, 10])],
    ['get', 'b'],
    ['set', 'e', ''],
    ['get', 'e'],
    ['set', 'ü', 'é\r\n'],
    ['get', 'ü'],
    ['set', 'list', [1, 2, 300]],
    ['get', 'list'],
    ['set', 'array', new Uint8Array([1, 2])],
    ['get', 'array'],
    ['set', 'n', 5],
    ['set', 'n', null],
    ['set', 'n', undefined],
    ['set', 'n', true],
    ['set', 'n', { a: 1 }],
    ['set', 'large', 'x'.repeat(1_048_577)],
    ['add', 'large', 'x'.repeat(1_048_577)],
  ],
  'writes that are refused': [
    ['add', 'new', '1', {}],
    ['add', 'new', '2', {}],
    ['replace', 'new', '3', {}],
    ['replace', 'missing', '4', {}],
    ['append', 'new', '4'],
    ['append', 'new', Buffer.from([65])],
    ['append', 'new', 5],
    ['append', 'missing', '5'],
    ['prepend', 'missing', '5'],
    ['get', 'new'],
    ['get', 'missing'],
    ['delete', 'new'],
    ['delete', 'new'],
  ],
  counters: [
    ['increment', 'c', 5, {}],
    ['increment', 'c', 5, {}],
    ['increment', 'd', 5, { initial: 10, expires: 100 }],
    ['increment', 'd', 5, { initial: 10 }],
    ['decrement', 'd', 3, {}],
    ['decrement', 'd', 100, {}],
    ['decrement', 'f', 1, { initial: 7 }],
    ['get', 'd'],
    ['increment', 'c', -1, {}],
    ['increment', 'c', 2 ** 32, {}],
    ['increment', 'c', 1.5, {}],
    ['increment', 'c', '2', {}],
    ['increment', 'c', undefined, {}],
    ['increment', 'c', 1, { initial: -1 }],
    ['get', 'c'],
    ['increment', 's', 1, {}],
    ['decrement', 's', 1, {}],
  ],
  'expiry times': [
    ['set', 'k', 'x', { expires: 30 * 86_400 }],
    ['get', 'k'],
    ['set', 'k', 'x', { expires: now + 100 }],
    ['get', 'k'],
    ['set', 'k', 'x', { expires: now - 100 }],
    ['get', 'k'],
    ['set', 'k', 'x', { expires: '100' }],
    ['set', 'k', 'x', { expires: 1.5 }],
    ['set', 'k', 'x', { expires: -1 }],
    ['set', 'k', 'x', { expires: 2 ** 32 }],
    ['set', 'k', 'x', { expires: null }],
    ['touch', 'k', 100],
    ['touch', 'k', -1],
    ['touch', 'k', 0],
    ['touch', 'missing', 100],
    ['touch', 'k', now - 100],
    ['get', 'k'],
  ],
  keys: [
    ['get', 5],
    ['get', null],
    ['set', 'a b\n', 'x', {}],
    ['get', 'a b\n'],
    ['get', Buffer.from('a b\n')],
  ],
  flush: [['flush'], ['get', 's']],
};

/** Nothing, whatever it is called. */
const trimmed = (results: readonly unknown[] = []): unknown[] => {
  const end = results.findLastIndex((result) => result !== null && result !== undefined);
  return results.slice(0, end + 1).map((result) => result ?? null);
};

function comparable({ thrown, error, results }: Outcome, address: string): unknown {
  if (thrown !== undefined) return { thrown };
  const text = JSON.stringify(trimmed(results)).replaceAll(address, 'SERVER');
  // Nothing of an error but what it says: ours has a cause.
  return { error: (error as Error | null)?.message ?? null, results: JSON.parse(text) as unknown };
}

async function promise(client: object, method: string, args: readonly unknown[]): Promise<Outcome> {
  try {
    return {
      error: null,
      results: [await (client as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args)],
    };
  } catch (error) {
    return error instanceof Error && error.message.startsWith('MemJS')
      ? { error: plainError(error), results: [] }
      : { thrown: (error as Error).name };
  }
}

describe.each([
  ['callbacks', callBack],
  ['promises', promise],
])('with %s', (_form, call) => {
  const logged: { theirs: unknown[]; ours: unknown[] } = { theirs: [], ours: [] };
  let servers: Sides<never, never>['servers'];
  let clients: { theirs: Client; ours: Client };
  const connect = (): void => {
    const options = (side: unknown[]): object => ({ logger: { log: (message: unknown) => side.push(message) } });
    clients = {
      theirs: TheirMemjs.Client.create(servers.theirs[0]?.address, options(logged.theirs)) as unknown as Client,
      ours: memjs.Client.create(servers.ours[0]?.address, options(logged.ours)),
    };
  };
  const disconnect = (): void => {
    for (const client of Object.values(clients)) client.close();
  };
  beforeAll(async () => {
    servers = await startBothSides(1);
    connect();
  });
  afterAll(disconnect);

  const compare = async ([method, ...args]: Call): Promise<void> => {
    const run = async (side: 'theirs' | 'ours'): Promise<unknown> =>
      comparable(await call(clients[side], method, args), String(servers[side][0]?.address));
    const theirs = await run('theirs');
    const ours = await run('ours');
    expect([method, ...args, ours]).toEqual([method, ...args, theirs]);
  };

  it.each(Object.entries(calls))('%s', async (_kind, list) => {
    for (const each of list) await compare(each);
    expect(logged.ours).toEqual(logged.theirs);
  });

  it('keys that the server refuses', async () => {
    for (const each of refusedKeys) {
      disconnect();
      connect();
      await compare(each);
    }
    expect(logged.ours).toEqual(logged.theirs);
  });
});

// It has to be theirs that is different, or the list in docs/migrating-from-memjs.md is not true.
describe('what is different on purpose', () => {
  let sides: { theirs: Client; ours: Client };
  const lines: string[] = [];
  const logger = { log: (line: string) => lines.push(line) };
  beforeAll(async () => {
    const servers = await startBothSides(1);
    sides = {
      theirs: TheirMemjs.Client.create(servers.theirs[0]?.address, { logger }) as unknown as Client,
      ours: Client.create(servers.ours[0]?.address, { logger }),
    };
  });
  afterAll(() => {
    for (const client of Object.values(sides)) client.close();
  });
  const both = async (...[method, ...args]: Call): Promise<[theirs: unknown, ours: unknown]> => {
    const run = async (client: Client): Promise<unknown> => {
      const { thrown, results } = await promise(client, method, args);
      return thrown ?? results?.[0];
    };
    return [await run(sides.theirs), await run(sides.ours)];
  };

  it('prepend prepends', async () => {
    await both('set', 'k', 'b', {});
    await both('prepend', 'k', 'a');
    const [theirs, ours] = (await both('get', 'k')) as { value: Buffer }[];
    expect([theirs?.value.toString(), ours?.value.toString()]).toEqual(['ba', 'ab']);
  });

  it('decrement needs no options', async () => {
    expect(await both('decrement', 'n', 1)).toEqual(['TypeError', { success: true, value: 0 }]);
  });

  it('counters above 2^32 are what they are', async () => {
    await both('set', 'large', String(2 ** 40), {});
    const [theirs, ours] = (await both('increment', 'large', 1, {})) as { value: number }[];
    expect(theirs?.value).not.toBe(2 ** 40 + 1);
    expect(ours?.value).toBe(2 ** 40 + 1);
  });

  it('a time above 30 days is a duration', async () => {
    await both('set', 'month', 'x', { expires: 31 * 86_400 });
    expect(await both('get', 'month')).toEqual([
      { value: null, flags: null },
      { value: Buffer.from('x'), flags: Buffer.alloc(4) },
    ]);
  });

  it('the older form keeps what it was given', async () => {
    const older = (client: Client, ...args: unknown[]): Promise<unknown[]> =>
      new Promise((resolve) => {
        const [method, key, value, ...rest] = args as [string, ...unknown[]];
        const done = (...results: unknown[]): void => {
          resolve(results);
        };
        (client as unknown as Record<string, (...given: unknown[]) => void>)[method]?.(key, value, done, ...rest);
      });
    lines.length = 0;
    const past = Math.floor(Date.now() / 1000) - 100;
    for (const client of Object.values(sides))
      expect(await older(client, 'set', 'old', 'x', past)).toEqual([null, true]);
    expect(await both('get', 'old')).toEqual([
      { value: Buffer.from('x'), flags: Buffer.alloc(4) },
      { value: null, flags: null },
    ]);
    expect(await older(sides.ours, 'increment', 'older', 1, 0, 7)).toEqual([null, true, 7]);
    expect(await older(sides.theirs, 'increment', 'older', 1, 0, 7)).toEqual([null, true, 0]);
    expect(lines).toEqual([
      'MemJS SET: using deprecated call - arguments have changed',
      'MemJS SET: using deprecated call - arguments have changed',
      'MemJS INCREMENT: using deprecated call - arguments have changed',
      'MemJS INCREMENT: using deprecated call - arguments have changed',
    ]);
  });

  it('a callback is a function', () => {
    expect(() => {
      sides.ours.get('k', {} as never);
    }).toThrow(new TypeError('the callback must be a function, not object'));
  });

  it('null is no callback, and no promise', () => {
    const get = (client: Client): unknown =>
      (client.get as (key: string, callback: null) => unknown).call(client, 'k', null);
    expect([get(sides.theirs), get(sides.ours)]).toEqual([undefined, undefined]);
  });
});
