// Several servers: where keys go, what happens when one fails, and what the events say.

import Memcached from '../../lib/integrations/memcached';
import { callBack, type Outcome } from '../support/side-by-side';
import { useServers } from '../support/clients';
import { keysOn } from '../support/stored-items';
import { startMemcached } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

type Location = ConstructorParameters<typeof Memcached>[0];
type Options = ConstructorParameters<typeof Memcached>[1];

// eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS
const TheirMemcached = require('memcached') as new (location: Location, options?: Options) => Memcached;

const servers = useServers(3);
const clients: Memcached[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.end();
});
function connect(location: Location, options?: Options): Memcached {
  const client = new Memcached(location, options);
  clients.push(client);
  return client;
}

const keys = Array.from({ length: 1000 }, (_, index) => `key-${index}`);

describe('placement', () => {
  it.each<[string, Location, Options]>([
    ['equal servers', ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11212'], {}],
    ['names without ports', ['cache1', 'cache2', 'cache3'], {}],
    ['weights', { '10.0.0.1:11211': 1, '10.0.0.2:11212': 3, '10.0.0.3:11213': 2 }, {}],
    ['points of their own', { 'a:1': { weight: 1, vnodes: 80 }, 'b:2': { weight: 1, vnodes: 20 } }, {}],
    ['weights that are none', { 'a:1': 0, 'b:2': 2, 'c:3': NaN }, {}],
    ['another digest', ['a:1', 'b:2', 'c:3'], { algorithm: 'sha1' }],
    ['the points of hash_ring', ['a:11211', 'b:2', 'c:3'], { compatibility: 'hash_ring' }],
    ['49 servers', Array.from({ length: 49 }, (_, index) => `10.0.0.${index}:11211`), {}],
    ['one server', 'a:1', {}],
  ])('is memcached’s: %s', (_name, location, options) => {
    const theirs = new TheirMemcached(location, options);
    const ours = connect(location, options);
    expect([...ours.servers]).toEqual([...theirs.servers]);
    expect(keys.map((key) => ours.HashRing.get(key))).toEqual(keys.map((key) => theirs.HashRing.get(key)));
    const range = (client: Memcached): string[][] => keys.slice(0, 50).map((key) => client.HashRing.range(key, 2));
    expect(range(ours)).toEqual(range(theirs));
  });

  it('is where keys are stored, and found by both', async () => {
    const location = servers().map(({ address }) => address);
    const theirs = new TheirMemcached(location, { poolSize: 1, retries: 0 });
    const ours = connect(location);
    const stored = Array.from({ length: 60 }, () => uniqueKey());
    for (const key of stored.slice(0, 30)) await callBack(theirs, 'set', [key, key, 0]);
    await Promise.all(stored.slice(30).map((key) => callBack(ours, 'set', [key, key, 0])));
    const expected = { error: undefined, results: [Object.fromEntries(stored.map((key) => [key, key]))] };
    expect(await callBack(ours, 'getMulti', [stored])).toMatchObject(expected);
    expect(await callBack(theirs, 'getMulti', [stored])).toMatchObject(expected);
    for (const server of servers()) expect((await keysOn(server)).length).toBeGreaterThan(0);
    theirs.end();
  });
});

describe('every server', () => {
  it('answers version, stats and flush, in the form of memcached', async () => {
    const location = servers().map(({ address }) => address);
    const client = connect(location);
    const [versions] = (await callBack(client, 'version', [])).results as [{ server: string }[]];
    expect(versions.map(({ server }) => server).sort()).toEqual([...location].sort());
    expect((await callBack(client, 'flush', [])).results).toEqual([[true, true, true]]);
  });

  it('one that fails is the error; the others answer', async () => {
    const stopped = await startMemcached();
    await stopped.stop();
    const client = connect([servers()[0]?.address as string, stopped.address]);
    const { error, results } = await callBack(client, 'version', []);
    expect(error).toMatchObject({ code: 'ERR_MEMCACHED_CONNECTION' });
    expect(results?.[0]).toHaveLength(1);
    const all = await callBack(client, 'getMulti', [keys]);
    expect(all.error).toEqual([{ message: `Server at ${stopped.address} not available` }]);
    expect(all.results).toEqual([{}]);
  });
});

describe('addresses', () => {
  it('a Unix socket', async () => {
    const server = await startMemcached({ transport: 'unix' });
    const client = connect(server.address);
    expect(await callBack(client, 'set', ['a', 1, 0])).toMatchObject({ error: undefined, results: [true] });
    // Whether memcached lists an item yet is its own affair.
    expect(await callBack(client, 'cachedump', [server.address, 1, 10])).toMatchObject({ error: undefined });
  });

  it('IPv6, with and without brackets', async () => {
    const server = await startMemcached({ transport: 'tcp6' });
    for (const address of [server.address, `::1:${server.port}`]) {
      const client = connect(address);
      expect(await callBack(client, 'get', ['missing'])).toMatchObject({ error: undefined, results: [undefined] });
    }
  });

  it('no servers', () => {
    expect(() => new Memcached({})).toThrow('No servers where supplied in the arguments');
    expect(() => new TheirMemcached({})).toThrow('No servers where supplied in the arguments');
    for (const location of ['', [], undefined]) expect([...connect(location).servers]).toEqual(['localhost:11211']);
  });
});

describe('a server that fails', () => {
  type Event = [name: string, details: Memcached.IssueData];
  function listen(client: Memcached): Event[] {
    const events: Event[] = [];
    for (const name of ['issue', 'failure', 'reconnecting', 'reconnect', 'remove'] as const)
      client.on(name, (details: Memcached.IssueData) => events.push([name, structuredClone(details)]));
    return events;
  }
  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const names = (events: Event[]): string[] => events.map(([name]) => name);
  const get = (client: Memcached): Promise<Outcome> => callBack(client, 'get', ['a']);

  it('is left alone for `retry`, and answers again', async () => {
    const server = await startMemcached();
    const client = connect(server.address, { retry: 200 });
    const events = listen(client);
    await get(client);
    await server.kill();
    const [first, second] = await Promise.all([get(client), get(client)]);
    expect([first.error, second.error]).toEqual([
      expect.objectContaining({ code: 'ERR_MEMCACHED_CONNECTION' }),
      expect.objectContaining({ code: 'ERR_MEMCACHED_CONNECTION' }),
    ]);
    expect(first.context).toBe('the client');
    expect(await get(client)).toEqual({
      error: { message: `Server at ${server.address} not available` },
      results: [],
      context: 'the client',
    });
    await server.restart();
    await until(async () => (await get(client)).error === undefined);
    expect(events).toEqual([
      [
        'issue',
        {
          server: server.address,
          tokens: [String(server.port), '127.0.0.1'],
          messages: [expect.stringContaining('connection')],
          failures: 5,
          totalFailures: 0,
        },
      ],
    ]);
    expect(client.activeQueries).toBe(0);
  });

  it('is dead after `failures`, and is asked every `reconnect` until it answers', async () => {
    const server = await startMemcached();
    const client = connect(server.address, { retry: 1, failures: 2, reconnect: 50 });
    const events = listen(client);
    await server.kill();
    await until(async () => {
      await get(client);
      return names(events).filter((name) => name === 'reconnecting').length >= 2;
    });
    expect(names(events)).toEqual(['issue', 'issue', 'reconnecting', 'reconnecting']);
    await server.restart();
    await until(() => names(events).includes('reconnect'));
    expect(await get(client)).toMatchObject({ error: undefined });
    expect(events.at(-1)?.[1]).toMatchObject({ totalReconnectsSuccess: 0 });
  });

  it('leaves the ring with `remove`, and comes back', async () => {
    const server = await startMemcached();
    const other = servers()[0]?.address as string;
    const client = connect([server.address, other], { retry: 1, failures: 0, reconnect: 50, remove: true });
    const events = listen(client);
    const before = keys.map((key) => client.HashRing.get(key));
    await server.kill();
    const lost = keys[before.indexOf(server.address)] as string;
    await callBack(client, 'set', [lost, 'x', 0]);
    expect(names(events)).toEqual(['remove', 'failure']);
    expect([...client.servers]).toEqual([other]);
    expect(await callBack(client, 'set', [lost, 'x', 0])).toMatchObject({ error: undefined, results: [true] });
    await server.restart();
    await until(() => names(events).includes('reconnect'));
    expect(keys.map((key) => client.HashRing.get(key))).toEqual(before);
    expect(await callBack(client, 'get', [lost])).toMatchObject({ error: undefined, results: [undefined] });
  });

  it('is replaced by a server of `failOverServers`', async () => {
    const server = await startMemcached();
    const [other, spare] = servers().map(({ address }) => address) as [string, string];
    const options = { retry: 1, failures: 0, remove: true, failOverServers: [spare] };
    const client = connect([server.address, other], options);
    const events = listen(client);
    const before = keys.map((key) => client.HashRing.get(key));
    await server.kill();
    const lost = keys[before.indexOf(server.address)] as string;
    await callBack(client, 'set', [lost, 'x', 0]);
    expect(names(events)).toEqual(['remove']);
    expect(keys.map((key) => client.HashRing.get(key))).toEqual(
      before.map((name) => (name === server.address ? spare : name)),
    );
    expect(await callBack(client, 'set', [lost, 'x', 0])).toMatchObject({ error: undefined, results: [true] });
  });

  it('that hangs fails within `timeout`', async () => {
    const server = await startMemcached();
    const client = connect(server.address, { timeout: 200 });
    await get(client);
    server.suspend();
    expect((await get(client)).error).toMatchObject({ code: 'ERR_MEMCACHED_TIMEOUT' });
    server.resume();
  });
});

describe('options', () => {
  it('that have no effect are named once, if they are not the default', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    try {
      for (let time = 0; time < 2; time += 1)
        connect('a:1', { poolSize: 25, idle: 5000, maxExpiration: 1, timeout: 100 });
      expect(warn.mock.calls.map(([text]) => /option (\w+) has no effect/.exec(String(text))?.[1]).sort()).toEqual([
        'maxExpiration',
        'poolSize',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('are members of the client; the defaults can be changed for all', () => {
    const before = Memcached.config;
    Memcached.config = { ...before, namespace: 'all:' };
    const client = connect('a:1', { failures: 7 }) as unknown as Record<string, unknown>;
    Memcached.config = before;
    expect(client).toMatchObject({ namespace: 'all:', failures: 7, maxKeySize: 250 });
  });

  it('what else libraries pass hides nothing', () => {
    const client = connect('a:1', { servers: ['b:1'], get: 1, secret: 'x' } as Options);
    expect([...client.servers]).toEqual(['a:1']);
    expect(typeof client.get).toBe('function');
  });

  it('maxQueueSize refuses what is above it', async () => {
    const client = connect(servers()[0]?.address, { maxQueueSize: 2 });
    const outcomes = await Promise.all([1, 2, 3].map(() => callBack(client, 'get', [uniqueKey()])));
    expect(outcomes.map(({ error, results }) => [error, results])).toEqual([
      [undefined, [undefined]],
      [undefined, [undefined]],
      ['over queue limit', [null]],
    ]);
    expect(client.activeQueries).toBe(0);
  });

  it('`client` reaches the clients of this package', async () => {
    const user = { users: { bob: 'secret' } };
    const server = await startMemcached({ sasl: user });
    const client = connect(server.address, { client: { username: 'bob', password: 'secret' } });
    expect(await callBack(client, 'set', ['a', 'x', 0])).toMatchObject({ error: undefined, results: [true] });
  });
});

it('works after `end`', async () => {
  const client = connect(servers()[0]?.address);
  const pending = callBack(client, 'set', ['kept', 1, 0]);
  client.end();
  expect(await pending).toMatchObject({ error: undefined, results: [true] });
  expect(await callBack(client, 'get', ['kept'])).toMatchObject({ error: undefined, results: [1] });
});

it('throws for a callback that is none', () => {
  const client = connect('a:1');
  expect(() => {
    client.get('a', 'callback' as never);
  }).toThrow('get: the callback must be a function, not string');
});

it('leaves what a callback throws to the program, and context to AsyncLocalStorage', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks');
  const storage = new AsyncLocalStorage<string>();
  const client = connect(servers()[0]?.address);
  const seen = await new Promise((resolve) => {
    storage.run('mine', () => {
      client.get('a', () => {
        resolve(storage.getStore());
      });
    });
  });
  expect(seen).toBe('mine');
});

it('sends nothing but its own queries through `command`', async () => {
  const client = connect(servers()[0]?.address);
  const error = await new Promise((resolve) => {
    client.command(() => ({ type: 'config get cluster', command: 'config get cluster', callback: resolve }));
  });
  expect(String(error)).toContain('cannot send "config get cluster"');
});
