// Servers at run time: setServers, URLs, connect, states, the channel of connections.

import diagnostics from 'node:diagnostics_channel';

import { Client, SomeErrors, type ConnectContext, type StateChange } from '../../lib/index';
import { failure, thrown, useClients, useServers } from '../support/clients';
import { until } from '../support/failover-clusters';
import { startRefusingPort } from '../support/fake-servers';
import { startMemcached, stopAll } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const connect = useClients();
afterAll(stopAll);

describe('setServers', () => {
  const servers = useServers(4);
  const addresses = (): string[] => servers().map(({ address }) => address);

  it.each([false, true])(
    'later operations follow the new list, connections that stay are kept (binary: %s)',
    async (binary) => {
      const [a = '', b = '', c = ''] = addresses();
      const mc = connect([a, b], { binary, behaviors: { ketama: true } });
      const keys = Array.from({ length: 200 }, () => uniqueKey());
      await mc.setMulti(keys.map((key) => [key, key] as const));
      const before = new Map(keys.map((key) => [key, mc.serverFor(key)]));
      mc.setServers([a, b, c]);
      expect(mc.servers).toEqual([a, b, c]);
      let moved = 0;
      for (const key of keys) {
        const now = mc.serverFor(key);
        expect([before.get(key), c]).toContain(now); // ketama: only to the new one
        if (now === c) ++moved;
      }
      expect(moved).toBeGreaterThan(0);
      expect((await mc.getMulti(keys)).size).toBe(200 - moved);
      expect(mc.metrics().servers.map(({ server, reconnects }) => [server, reconnects])).toEqual([
        [a, 0],
        [b, 0],
        [c, 0],
      ]);
      expect([...(await mc.version()).keys()]).toEqual([a, b, c]);
    },
  );

  it('what was called before goes where it was meant to go', async () => {
    const [a = '', b = ''] = addresses();
    const mc = connect(a);
    const key = uniqueKey();
    const pending = Array.from({ length: 50 }, (_, index) => mc.set(`${key}:${index}`, index));
    mc.setServers(b);
    const later = mc.set(key, 'later');
    expect(await Promise.all([...pending, later])).toEqual(Array.from({ length: 51 }, () => true));
    expect((await connect(a).getMulti(pending.map((_, index) => `${key}:${index}`))).size).toBe(50);
    expect(await connect(b).get(key)).toBe('later');
    expect(await mc.get(`${key}:1`)).toBeUndefined();
  });

  it('a server that leaves and returns keeps its connection from then on', async () => {
    const [a = '', b = ''] = addresses();
    const mc = connect([a, b]);
    const keys = Array.from({ length: 20 }, () => uniqueKey());
    const setAll = async (): Promise<void> => {
      for (const key of keys) await mc.set(key, 1);
    };
    await setAll();
    mc.setServers([a]);
    await setAll();
    mc.setServers([a, b]);
    await setAll();
    const ofB = mc.metrics().servers.find(({ server }) => server === b);
    expect(ofB?.operations).toBeGreaterThan(0);
    expect(ofB?.reconnects).toBe(0);
  });

  it('a server that leaves while a value of its is compressed is not replaced before', async () => {
    const [a = '', b = '', c = ''] = addresses();
    const mc = connect([a, b]);
    const value = Buffer.alloc(8_000_000, 'compressible');
    const keys = Array.from({ length: 8 }, () => uniqueKey());
    const pending = keys.map((key) => mc.set(key, value, { minCompressLen: 1, timeout: 10_000 }));
    await new Promise((resolve) => setImmediate(resolve));
    mc.setServers([a]);
    await new Promise((resolve) => setImmediate(resolve));
    mc.setServers([a, c]);
    expect(await Promise.all(pending)).toEqual(keys.map(() => true));
    expect(await mc.set(uniqueKey(), 1)).toBe(true);
  });

  it('a server that leaves is disconnected', async () => {
    const own = await startMemcached();
    const [a = ''] = addresses();
    const watcher = connect(own);
    const connections = async (): Promise<number> => Number((await watcher.getStats())[0]?.[1].curr_connections);
    const before = await connections();
    const mc = connect([own.address, a]);
    await mc.connect();
    expect(await connections()).toBe(before + 1);
    mc.setServers([a]);
    await until(async () => (await connections()) === before);
    await own.stop();
  });

  it('changed again and again under load, no answer is lost or another key’s', async () => {
    const all = addresses();
    const mc = connect(all, { behaviors: { ketama: true } });
    const writer = all.map((address) => connect(address));
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    for (const each of writer) await each.setMulti(keys.map((key) => [key, key] as const));
    const values: [string, Promise<unknown>][] = [];
    for (let round = 0; round < 100; ++round) {
      mc.setServers(all.filter((_, index) => (round + index) % 4 !== 0));
      for (const key of keys) values.push([key, mc.get(key)]);
      if (round % 10 === 0) await mc.get(keys[0] as string);
    }
    for (const [key, value] of values) expect(await value).toBe(key);
    expect(mc.metrics().servers.map(({ state }) => state)).toEqual(['up', 'up', 'up']);
  });

  it('refuses what it cannot do, and changes nothing', () => {
    const [a = ''] = addresses();
    const mc = connect(a);
    for (const servers of [[], ['udp:127.0.0.1'], ['a:b'], 'memcached://u:p@127.0.0.1', ['a', 'memcached://b']]) {
      const error = thrown(() => {
        mc.setServers(servers);
      });
      expect(error).toBeInstanceOf(TypeError);
    }
    expect(mc.servers).toEqual([a]);
  });
});

describe('URLs', () => {
  it.each<[url: string, servers: string[]]>([
    ['memcached://a', ['a']],
    ['memcached://a:11212,b', ['a:11212', 'b']],
    ['memcached://user:pa%40ss@a:11212:3,b/', ['a:11212:3', 'b']],
    ['memcached://[::1]:11212,[::2]', ['[::1]:11212', '[::2]']],
    ['memcached:///run/mem%20cached.sock', ['/run/mem cached.sock']],
    ['memcached://user:pass@/run/memcached.sock', ['/run/memcached.sock']],
    ['memcacheds://a,b', ['a', 'b']],
  ])('%s', (url, servers) => {
    expect(connect(url).servers).toEqual(servers);
    expect(new Client(url).servers).toEqual(servers);
  });

  it('their credentials are used, and are not shown', async () => {
    const own = await startMemcached({ textAuthentication: { users: { al: 'p@ss/wö%:rd' } } });
    const url = `memcached://al:${encodeURIComponent('p@ss/wö%:rd')}@${own.address}`;
    const mc = connect(url, { binary: false });
    expect(await mc.set('key', 1)).toBe(true);
    expect(await mc.clone().get('key')).toBe(1);
    await own.stop();
  });

  it.each([
    ['memcached://user:p@ss@a', /percent-encode /],
    ['memcached://user:pa/ss@a', /percent-encode /],
    ['memcached://user@a', /password/],
    ['memcached://user:pass%zz@a', /percent-encoding/],
    ['memcached://a?timeout=1', /without query/],
    ['redis://user:pass@a', /memcached:/],
  ])('%s: a TypeError without the credentials', (url, message) => {
    const error = thrown(() => new Client(url)) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/ss@|pa\/ss|pass%zz|user:pass@a$/);
  });

  it('credentials twice', () => {
    const error = thrown(() => new Client('memcached://u:p@a', { username: 'u', password: 'p' })) as Error;
    expect(error.message).toMatch(/given twice/);
  });
});

describe('connect and states', () => {
  it('connect opens every connection', async () => {
    const own = [await startMemcached(), await startMemcached()];
    const mc = connect(own);
    await mc.connect();
    for (const server of own) {
      const [[, stats] = ['', {} as Record<string, string>]] = await connect(server).getStats();
      expect(stats.cmd_get).toBe('0');
      expect(Number(stats.total_connections)).toBeGreaterThanOrEqual(2);
    }
  });

  it('connect checks what it is given, and says when the client is closed', async () => {
    const own = await startMemcached();
    const mc = connect(own);
    expect(() => mc.connect((() => undefined) as never)).toThrow('take no callbacks');
    expect((await failure(mc.connect({ timeout: 0 }))).name).toBe('RangeError');
    expect((await failure(mc.connect({ timeot: 1 } as never))).name).toBe('TypeError');
    expect(await failure(mc.connect({ signal: AbortSignal.abort(new Error('mine')) }))).toMatchObject({
      message: 'mine',
    });
    await mc.close();
    expect((await failure(mc.connect())).name).toBe('ClientClosed');
    await own.stop();
  });

  it('connect rejects with the errors by server', async () => {
    const own = await startMemcached();
    const refusing = await startRefusingPort();
    const error = await failure(connect([own, refusing]).connect());
    expect(error).toBeInstanceOf(SomeErrors);
    const { errors } = error as unknown as SomeErrors;
    expect([...(errors ?? new Map<string, unknown>()).keys()]).toEqual([refusing.address]);
    expect(error.message).toContain(refusing.address);
  });

  it('on(state): down with its reason, probing, up', async () => {
    const own = await startMemcached();
    const mc = connect(own, { behaviors: { retry_timeout: 1 } });
    const changes: StateChange[] = [];
    mc.on('state', (change) => changes.push(change));
    await mc.set('key', 1);
    await own.kill();
    await failure(mc.set('key', 2));
    await until(() => changes.length === 1);
    expect(changes[0]).toMatchObject({ server: own.address, state: 'down', previous: 'up' });
    expect(changes[0]?.error?.message).toMatch(/refused/i);
    await own.restart();
    await until(async () => await mc.set('key', 3).catch(() => false));
    await until(() => changes.length === 3);
    expect(changes.map(({ state }) => state)).toEqual(['down', 'probing', 'up']);
    expect('error' in (changes[2] as StateChange)).toBe(false);
  });

  it('the channel libmemcached:connect', async () => {
    const own = await startMemcached();
    const refusing = await startRefusingPort();
    const seen: [event: string, server: string, failed: boolean][] = [];
    const note = (event: string) => (message: unknown) => {
      const { server, error } = message as ConnectContext;
      seen.push([event, server, error !== undefined]);
    };
    const channel = diagnostics.tracingChannel('libmemcached:connect');
    const subscribers = { start: note('start'), asyncEnd: note('asyncEnd'), error: note('error') };
    channel.subscribe(subscribers as never);
    await connect(own).set('key', 1);
    await failure(connect(refusing).get('key'));
    await until(() => seen.length === 5);
    channel.unsubscribe(subscribers as never);
    expect(seen).toEqual([
      ['start', own.address, false],
      ['asyncEnd', own.address, false],
      ['start', refusing.address, false],
      ['error', refusing.address, true],
      ['asyncEnd', refusing.address, true],
    ]);
  });
});
