// Several servers: where keys go, what happens when one fails, credentials, and the environment.

import TheirMemjs from 'memjs';

import memjs, { Client, Server, type ClientOptions, type ServerOptions } from '../../lib/integrations/memjs';
import { failure, sleep, stored, useServers } from '../support/clients';
import { keysOn } from '../support/stored-items';
import { startMemcached } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const servers = useServers(3);
const locations = (): string => servers().map(({ address }) => address).join(','); // prettier-ignore
const clients: { close(): void }[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
const silent = { log: () => undefined };
function connect<C extends { close(): void }>(client: C): C {
  clients.push(client);
  return client;
}
const ours = (list?: string, options: ClientOptions & ServerOptions = {}): Client =>
  connect(memjs.Client.create(list, { logger: silent, ...options }));
const theirs = (list: string): TheirMemjs.Client =>
  connect(TheirMemjs.Client.create(list, { logger: silent, timeout: 5 }));

describe('placement', () => {
  it.each([2, 3, 7])('is memjs’s with %d servers', (count) => {
    const list = Array.from({ length: count }, (_, index) => `10.0.0.${index}:11211`).join(',');
    const [own, other] = [ours(list), theirs(list)];
    for (const key of ['', 'ü€', 'polygenelubricants', ...Array.from({ length: 500 }, (_, index) => `key-${index}`)])
      expect([key, own.server(key)?.host]).toEqual([key, other.server(key)?.host]);
  });

  it('is where keys are stored, and found by both', async () => {
    const [own, other] = [ours(locations()), theirs(locations())];
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    for (const key of keys.slice(0, 30)) await other.set(key, key, {});
    await Promise.all(keys.slice(30).map((key) => own.set(key, key)));
    for (const key of keys) {
      expect((await own.get(key)).value?.toString()).toBe(key);
      expect((await other.get(key)).value?.toString()).toBe(key);
    }
    for (const server of servers()) expect((await keysOn(server)).length).toBeGreaterThan(0);
  });

  it('is a function of one’s own', async () => {
    const client = ours(locations());
    client.getServer = () => 2;
    const key = uniqueKey();
    await client.set(key, 'x');
    expect(await stored(servers()[2] as never, key)).toEqual({ bytes: 'x', flags: 0 });
  });
});

describe('every server', () => {
  it.each<['stats' | 'resetStats' | 'statsWithKey', string[]]>([
    ['stats', []],
    ['resetStats', []],
    ['statsWithKey', ['settings']],
    ['statsWithKey', ['no such group']],
  ])('is asked by %s(%j), as by memjs', async (method, args) => {
    const ask = (client: object): Promise<unknown[]> =>
      new Promise((resolve) => {
        const answers: unknown[] = [];
        (client as Record<string, (...args: unknown[]) => void>)[method]?.(
          ...args,
          (error: Error | null, server: string, stats: object | null) => {
            // memjs answers twice where there is an error: to the error, and to what follows it.
            if (answers.some((answer) => (answer as [unknown, string])[1] === server)) return;
            answers.push([error?.message, server, stats && Object.keys(stats)]);
            if (answers.length === 3)
              resolve(answers.sort((a, b) => (String((a as unknown[])[1]) < String((b as unknown[])[1]) ? -1 : 1)));
          },
        );
      });
    expect(await ask(ours(locations()))).toEqual(await ask(theirs(locations())));
  });

  it('is flushed, and named', async () => {
    const client = ours(locations());
    const expected = Object.fromEntries(servers().map(({ address }) => [address, true]));
    expect(await client.flush()).toEqual(expected);
    expect(await new Promise((resolve) => { client.flush((...results) => { resolve(results); }); })).toEqual([null, expected]); // prettier-ignore
  });

  it('fails alone when it is flushed', async () => {
    const client = ours(`${servers()[0]?.address as string},127.0.0.1:1`);
    const results = await new Promise<unknown[]>((resolve) => {
      client.flush((...received) => {
        resolve(received);
      });
    });
    expect(results).toEqual([
      expect.objectContaining({ code: 'ERR_MEMCACHED_CONNECTION' }),
      { [servers()[0]?.address as string]: true, '127.0.0.1:1': results[0] },
    ]);
    expect(await failure(client.flush())).toMatchObject({ code: 'ERR_MEMCACHED_CONNECTION' });
  });
});

describe('a server that fails', () => {
  it('is tried again, and found when it is back', async () => {
    const server = await startMemcached();
    const lines: string[] = [];
    const client = ours(server.address, {
      logger: { log: (line: string) => lines.push(line) },
      retries: 3,
      retry_delay: 0.05,
    });
    await client.set('k', 'before');
    await server.kill();
    expect(await failure(client.get('k'))).toMatchObject({ code: 'ERR_MEMCACHED_CONNECTION' });
    expect(lines).toEqual([
      expect.stringMatching(`^MemJS: Server <${server.address}> failed after \\(3\\) retries with error - .+`),
    ]);
    await server.restart();
    expect(await client.set('k', 'after')).toBe(true);
    await server.stop();
  });

  it('while it is tried, it may come back', async () => {
    const server = await startMemcached();
    const client = ours(server.address, { retries: 40, retry_delay: 0.05 });
    await client.set('k', 'before');
    await server.kill();
    const waiting = client.get('k');
    await sleep(100);
    await server.restart();
    expect(await waiting).toEqual({ value: null, flags: null });
    await server.stop();
  });

  it('with failover, the next one has its keys, and then it has them back', async () => {
    const [first, second] = [await startMemcached(), await startMemcached()];
    const client = ours(`${first.address},${second.address}`, { failover: true, failoverTime: 0.3, retries: 1 });
    client.getServer = () => 0;
    await first.kill();
    expect(await client.set('k', 'x')).toBe(true);
    expect(client.server('k')?.port).toBe(second.port);
    expect(await stored(second, 'k')).toEqual({ bytes: 'x', flags: 0 });
    await first.restart();
    await sleep(350);
    expect(await client.get('k')).toEqual({ value: null, flags: null });
    await second.kill();
    await first.kill();
    expect(await failure(client.get('k'))).toMatchObject({ message: 'No servers available' });
    expect(client.server('k')).toBeNull();
    await Promise.all([first.stop(), second.stop()]);
  });

  it('a write that may have been done is not repeated', async () => {
    const server = await startMemcached();
    const client = ours(server.address, { timeout: 0.2, retries: 5, retry_delay: 0.01 });
    await client.increment('n', 1);
    server.suspend();
    expect(await failure(client.increment('n', 1))).toMatchObject({
      code: 'ERR_MEMCACHED_TIMEOUT',
      outcomeUnknown: true,
    });
    server.resume();
    expect((await client.increment('n', 0)).value).toBeLessThanOrEqual(1);
    await server.stop();
  });
});

describe('closing', () => {
  it.each(['quit', 'close'] as const)(
    '%s answers what is in flight, and what comes later connects again',
    async (method) => {
      const client = ours(locations());
      const waiting = client.set('k', 'x');
      client[method]();
      expect(await waiting).toBe(true);
      expect((await client.get('k')).value?.toString()).toBe('x');
    },
  );
});

describe('credentials', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });
  it.each<[string, (address: string) => string, ServerOptions, Record<string, string>]>([
    ['in the list', (address) => `ada:se:cret@${address}`, {}, {}],
    ['in the options', (address) => address, { username: 'ada', password: 'se:cret' }, {}],
    ['in the environment', (address) => address, {}, { MEMCACHIER_USERNAME: 'ada', MEMCACHIER_PASSWORD: 'se:cret' }],
    ['in memcache’s environment', (address) => address, {}, { MEMCACHE_USERNAME: 'ada', MEMCACHE_PASSWORD: 'se:cret' }],
  ])('%s', async (_where, list, options, variables) => {
    const server = await startMemcached({ sasl: { users: { ada: 'se:cret' } } });
    Object.assign(process.env, variables);
    const client = ours(list(server.address), options);
    expect(await client.set('k', 'x')).toBe(true);
    expect((await client.get('k')).value?.toString()).toBe('x');
    await server.stop();
  });

  it('that are wrong are an error, as are none', async () => {
    const server = await startMemcached({ sasl: { users: { ada: 'secret' } } });
    for (const list of [`ada:wrong@${server.address}`, server.address])
      expect(await failure(ours(list).get('k'))).toMatchObject({
        message: 'MemJS GET: Authentication error',
        cause: { code: 'ERR_MEMCACHED_AUTHENTICATION' },
      });
    await server.stop();
  });

  it.each(['MEMCACHIER_SERVERS', 'MEMCACHE_SERVERS'])('the servers may be in %s', (name) => {
    process.env[name] = 'cache1:11212,ada:secret@cache2';
    expect(ours().servers.map(String)).toEqual(['<Server cache1:11212>', '<Server cache2:11211>']);
    expect(ours().servers[1]).toMatchObject({ username: 'ada', password: 'secret' });
    process.env[name] = '';
    expect(ours().servers.map(String)).toEqual(['<Server localhost:11211>']);
  });
});

describe('options', () => {
  it('a serializer has values, flags and times as it wants them', async () => {
    const serializer = {
      serialize(opcode: number, value: unknown, extras: Buffer) {
        if (extras.length === 8) extras.writeUInt32BE(4711, 0);
        return { value: JSON.stringify([opcode, value]), extras };
      },
      deserialize: (opcode: number, value: Buffer | null, extras: Buffer) => ({
        value: [opcode, JSON.parse(String(value)) as unknown],
        extras,
      }),
    };
    const address = servers()[0]?.address;
    const own = connect(Client.create(address, { serializer }));
    const other = connect(TheirMemjs.Client.create(address, { serializer }));
    const [a, b] = [uniqueKey(), uniqueKey()];
    await own.set(a, { n: 1 }, { expires: 100 });
    await other.set(b, { n: 1 }, { expires: 100 });
    const expected = { value: [0, [1, { n: 1 }]], flags: Buffer.from([0, 0, 0x12, 0x67]) };
    for (const client of [own, other]) for (const key of [a, b]) expect(await client.get(key)).toEqual(expected);
  });

  it('that have no effect are named once', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    try {
      for (let time = 0; time < 2; time += 1)
        ours('cache1,cache2', { conntimeout: 3, keepAlive: true, keepAliveDelay: 9 });
      expect(warn.mock.calls.map(([text]) => /option (\w+) has no effect/.exec(String(text))?.[1])).toEqual([
        'keepAliveDelay',
        'conntimeout',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('of this package’s clients reach them', () => {
    const [server] = ours('cache1', {
      timeout: 1,
      client: { binary: false, behaviors: { tcp_nodelay: false } },
    }).servers;
    expect(server?.client.behaviors.tcp_nodelay).toBe(false);
  });

  it('servers that are none are named at once', () => {
    expect(() => Client.create('cache1:eleven')).toThrow(/port/);
    expect(() => Client.create('::1')).toThrow(TypeError);
    expect(Client.create('[::1]:11212,/tmp/a.sock').servers.map(String)).toEqual(['<Server ::1:11212>', '<Server /tmp/a.sock:11211>']); // prettier-ignore
    expect(new Client([new Server('cache1', 11211, 'ada', 'secret')]).servers[0]?.username).toBe('ada');
  });
});
