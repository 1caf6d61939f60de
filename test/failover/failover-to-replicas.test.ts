// num_replicas: what is written goes to the next servers as well, and reads fall back to them.

import { uniqueKey } from '../support/unique-keys';
import type { MemcachedServer } from '../support/memcached-servers';
import {
  AT_ONCE,
  protocols,
  sleep,
  stored,
  tally,
  timed,
  until,
  useClients,
  useFreshServers,
} from '../support/failover-clusters';

const servers = useFreshServers(3);
const connect = useClients();

/** The servers from the key's own on, in the order in which they were given. */
function fromHome(address: string): MemcachedServer[] {
  const home = servers().findIndex((server) => server.address === address);
  return [...servers().slice(home), ...servers().slice(0, home)];
}

describe.each(protocols)('binary: %s', (binary) => {
  const make = (replicas: number, more = {}) =>
    connect(servers(), { binary, timeout: 800, behaviors: { num_replicas: replicas, retry_timeout: 60, ...more } });

  it.each([0, 1, 2, 5])('set and delete go to %i more', async (replicas) => {
    const mc = make(replicas);
    const copies = Math.min(replicas, 2) + 1;
    for (let round = 0; round < 5; ++round) {
      const key = uniqueKey('copied');
      await mc.set(key, `value ${round}`, { timeout: 5000 });
      const order = fromHome(mc.serverFor(key));
      const holders = order.slice(0, copies);
      for (const server of holders) await until(async () => (await stored(server, key))?.bytes === `value ${round}`);
      for (const server of order.slice(copies)) expect(await stored(server, key)).toBeUndefined();
      expect(await mc.delete(key)).toBe(true);
      for (const server of holders) await until(async () => (await stored(server, key)) === undefined);
    }
  });

  it('set at run time, it applies to what is called afterwards', async () => {
    const mc = make(0);
    const [before, after] = [uniqueKey(), uniqueKey()];
    const first = mc.set(before, 1, { timeout: 5000 });
    mc.behaviors.num_replicas = 2;
    await Promise.all([first, mc.set(after, 1, { timeout: 5000 })]);
    for (const server of servers()) await until(async () => (await stored(server, after)) !== undefined);
    const holders = await Promise.all(servers().map((server) => stored(server, before)));
    expect(holders.filter((found) => found !== undefined)).toHaveLength(1);
  });

  it('reads fall back when the first server is killed', async () => {
    const mc = make(1);
    const keys = Array.from({ length: 30 }, () => uniqueKey('fallback'));
    const entries = new Map(keys.map((key) => [key, `value of ${key}`]));
    expect(await mc.setMulti(entries, { timeout: 5000 })).toEqual([]);
    await sleep(100); // nobody waits for the copies
    const [victim] = servers();
    await victim?.kill();
    const lost = keys.filter((key) => mc.serverFor(key) === victim?.address);
    expect(lost.length).toBeGreaterThan(0);
    for (let round = 0; round < 2; ++round) {
      for (const key of lost) expect(await mc.get(key)).toBe(entries.get(key));
      expect(await mc.getMulti(keys)).toEqual(entries);
      const [value] = await mc.gets(lost[0] ?? '');
      expect(value).toBe(entries.get(lost[0] ?? ''));
      expect(await mc.has(lost[0] ?? '')).toBe(true);
    }
    expect((await timed(mc.set(lost[0] ?? '', 1))).outcome).not.toBe('ok'); // a write goes to its own server first
  });

  it('reads fall back when the first server hangs, once that is known', async () => {
    const mc = make(1);
    const key = uniqueKey('fallback');
    await mc.set(key, 'value', { timeout: 5000 });
    await sleep(100);
    const [home] = fromHome(mc.serverFor(key));
    home?.suspend();
    await timed(mc.get(key));
    await until(() => mc.explain(key).serverState === 'down');
    const results = await Promise.all(Array.from({ length: 50 }, () => timed(mc.get(key))));
    expect(tally(results)).toEqual({ ok: 50 });
    expect(results[0]?.value).toBe('value');
    expect(Math.max(...results.map(({ milliseconds }) => milliseconds))).toBeLessThan(2 * AT_ONCE);
    home?.resume();
  });

  it('a read falls back with the key that it was given, whatever became of those bytes', async () => {
    const mc = make(1);
    const [key, other] = [uniqueKey('same'), uniqueKey('else')];
    await mc.setMulti({ [key]: 'right', [other]: 'wrong' }, { timeout: 5000 });
    await sleep(100);
    await fromHome(mc.serverFor(key))[0]?.kill();
    for (const change of [other, '\0'.repeat(key.length)]) {
      const bytes = Buffer.from(key);
      const reading = [mc.get(bytes), mc.getMulti([bytes]), mc.get(key)] as const;
      bytes.write(change);
      expect(await reading[0]).toBe('right');
      expect([...(await reading[1]).values()]).toEqual(['right']);
      expect(await reading[2]).toBe('right');
    }
  });

  it('a read that waits for its server does not fall back under a namespace that was set meanwhile', async () => {
    const mc = make(1, { namespace: 'a:', _poll_timeout: 300 });
    const key = uniqueKey('space');
    const long = 'x'.repeat(248);
    await mc.set(key, 'of a', { timeout: 5000 });
    const other = connect(servers(), { binary, behaviors: { num_replicas: 2, namespace: 'longer:' } });
    await other.set(key, 'of the other', { timeout: 5000 });
    await sleep(100);
    for (const server of servers()) server.suspend();
    const home = fromHome(mc.serverFor(key))[0];
    const reading = timed(mc.get(key, undefined, { timeout: 2500 }));
    const others = [
      timed(mc.get(key, 'missing', { timeout: 2500 })),
      timed(mc.get(long, 'missing', { timeout: 2500 })),
    ];
    await sleep(50);
    mc.behaviors.namespace = 'longer:';
    for (const server of servers()) if (server !== home) server.resume();
    const results = await Promise.all([reading, ...others]);
    for (const result of results) expect(result.value).not.toBe('of the other');
    await until(() => mc.metrics().pending === 0);
    home?.resume();
    expect(await mc.get(key, undefined, { timeout: 5000 })).toBe('of the other');
  });

  it('a miss is a miss: it is not looked for elsewhere', async () => {
    const mc = make(2);
    const key = uniqueKey();
    await mc.set(key, 'value', { timeout: 5000 });
    const [home, next] = fromHome(mc.serverFor(key));
    await until(async () => (await stored(next as MemcachedServer, key)) !== undefined);
    await home?.restart();
    expect(await mc.get(key, 'miss')).toBe('miss');
  });

  it('a copy that cannot be written is nobody’s error', async () => {
    const mc = make(2);
    const key = uniqueKey();
    const [, next, last] = fromHome(mc.serverFor(key));
    await next?.kill();
    last?.suspend();
    const results = [await timed(mc.set(key, 1)), await timed(mc.get(key)), await timed(mc.delete(key))];
    expect(tally(results)).toEqual({ ok: 3 });
    last?.resume();
  });

  it('with all holders gone the error is that of the last one asked', async () => {
    const mc = make(1);
    const key = uniqueKey();
    const [home, next] = fromHome(mc.serverFor(key));
    await Promise.all([home?.kill(), next?.kill()]);
    expect(['ConnectionError', 'ServerDown']).toContain((await timed(mc.get(key))).outcome);
    const { outcome, milliseconds } = await timed(mc.get(key));
    expect(['ConnectionError', 'ServerDown']).toContain(outcome);
    expect(milliseconds).toBeLessThan(2 * AT_ONCE);
  });
});
