// Servers that fail: how their operations end while they are down, and when other servers take over.

import { startRefusingPort } from '../support/fake-servers';
import {
  AT_ONCE,
  MARGIN,
  protocols,
  sleep,
  tally,
  timed,
  until,
  useClients,
  useFreshServers,
} from '../support/failover-clusters';
import type { Client } from '../../lib/index';

const servers = useFreshServers(3);
const connect = useClients();

const keys = Array.from({ length: 40 }, (_, index) => `ejected-${index}`);
const keysOf = (mc: Client, address: string): string[] => keys.filter((key) => mc.serverFor(key) === address);
const state = (mc: Client, key: string): string => mc.explain(key).serverState;

describe.each(protocols)('binary: %s', (binary) => {
  it('a dead server: one failure, then ServerDown at once until retry_timeout is over', async () => {
    const mc = connect(servers(), { binary, timeout: 1000, behaviors: { retry_timeout: 1 } });
    const [victim] = servers();
    const [key = ''] = keysOf(mc, victim?.address ?? '');
    await mc.set(key, 1, { timeout: 5000 });
    expect(state(mc, key)).toBe('up');
    await victim?.kill();
    // The connection broke; the next one is refused.
    await until(async () => (await timed(mc.get(key))).outcome !== 'ok' && state(mc, key) === 'down');
    const down = await Promise.all(Array.from({ length: 100 }, () => timed(mc.get(key))));
    expect(tally(down)).toEqual({ ServerDown: 100 });
    expect(Math.max(...down.map(({ milliseconds }) => milliseconds))).toBeLessThan(AT_ONCE);
    expect(down[0]?.error).toMatchObject({ code: 'ERR_MEMCACHED_SERVER_DOWN', server: victim?.address, key });
    await victim?.restart();
    expect((await timed(mc.get(key))).outcome).toBe('ServerDown');
    await sleep(1050);
    expect(await timed(mc.set(key, 2))).toMatchObject({ outcome: 'ok' });
    expect(state(mc, key)).toBe('up');
  });

  it.each([
    ['reads', 'in use'],
    ['writes', 'in use'],
    ['reads', 'never used'],
    ['writes', 'never used'],
  ])('a hung server: %s that time out count as a failure; it was %s', async (what, when) => {
    const mc = connect(servers(), { binary, timeout: 300, behaviors: { retry_timeout: 30 } });
    const [victim] = servers();
    const stuck = keysOf(mc, victim?.address ?? '');
    const call = (key: string): Promise<unknown> => (what === 'reads' ? mc.get(key) : mc.set(key, 1));
    if (when === 'in use') await Promise.all(stuck.map((key) => mc.set(key, 0, { timeout: 5000 })));
    victim?.suspend();
    const first = await Promise.all(stuck.map((key) => timed(call(key))));
    expect(tally(first)).toEqual({ TimeoutError: stuck.length });
    await until(() => state(mc, stuck[0] ?? '') === 'down', MARGIN);
    const next = await Promise.all(stuck.map((key) => timed(call(key))));
    expect(tally(next)).toEqual({ ServerDown: stuck.length });
    expect(Math.max(...next.map(({ milliseconds }) => milliseconds))).toBeLessThan(AT_ONCE);
    victim?.resume();
  });

  it('disconnectAll forgets which servers failed', async () => {
    const mc = connect(servers(), { binary, timeout: 1000, behaviors: { retry_timeout: 60 } });
    const [victim] = servers();
    const [key = ''] = keysOf(mc, victim?.address ?? '');
    await victim?.kill();
    await timed(mc.get(key));
    await until(() => state(mc, key) === 'down');
    await victim?.restart();
    await mc.disconnectAll();
    expect(await timed(mc.set(key, 1))).toMatchObject({ outcome: 'ok' });
  });

  it.each([
    ['remove_failed', { ketama: true, remove_failed: 2 }],
    ['auto_eject and failure_limit', { ketama: true, auto_eject: true, failure_limit: 2 }],
  ])('ketama, %s: after so many failures others take over; it comes back after dead_timeout', async (_name, more) => {
    const behaviors = { ...more, retry_timeout: 1, dead_timeout: 2 };
    const mc = connect(servers(), { binary, timeout: 1000, behaviors });
    const home = new Map(keys.map((key) => [key, mc.serverFor(key)]));
    const [victim] = servers();
    const lost = keysOf(mc, victim?.address ?? '');
    const [key = ''] = lost;
    expect(lost.length).toBeGreaterThan(3);
    await victim?.kill();
    expect((await timed(mc.set(key, 1))).outcome).not.toBe('ok');
    await until(() => state(mc, key) === 'down');
    expect((await timed(mc.set(key, 1))).outcome).toBe('ServerDown');
    await sleep(1050);
    expect((await timed(mc.set(key, 1))).outcome).toBe('ConnectionError'); // the second failure
    // Dead: taken out with the next operation.
    await until(async () => (await timed(mc.set(key, 'elsewhere'))).outcome === 'ok', 900);
    for (const [index, address] of home) {
      if (address === victim?.address) expect(mc.serverFor(index)).not.toBe(address);
      else expect(mc.serverFor(index)).toBe(address);
    }
    const all = await Promise.all(keys.map((each) => timed(mc.set(each, 1))));
    expect(tally(all)).toEqual({ ok: keys.length });
    await victim?.restart();
    // No caller's operation is the victim of finding out that it is back.
    const outcomes: string[] = [];
    await until(async () => {
      outcomes.push((await timed(mc.get(key))).outcome);
      return mc.serverFor(key) === victim?.address;
    });
    expect(new Set(outcomes)).toEqual(new Set(['ok']));
    for (const [each, address] of home) expect(mc.serverFor(each)).toBe(address);
    expect(await timed(mc.set(key, 'home'))).toMatchObject({ outcome: 'ok' });
    expect(await mc.get(key)).toBe('home');
  });

  it.each([
    ['remove_failed: 1', { remove_failed: 1, retry_timeout: 1 }],
    ['auto_eject', { auto_eject: true, failure_limit: 1, retry_timeout: 1 }],
  ])('modula never redistributes, %s', async (_name, behaviors) => {
    const mc = connect(servers(), { binary, timeout: 1000, behaviors });
    const [victim] = servers();
    const lost = keysOf(mc, victim?.address ?? '');
    const before = keys.map((key) => mc.serverFor(key));
    await victim?.kill();
    await Promise.all(lost.map((key) => timed(mc.set(key, 1))));
    await until(() => state(mc, lost[0] ?? '') !== 'up');
    const results = await Promise.all(lost.map((key) => timed(mc.set(key, 1))));
    for (const { outcome, milliseconds } of results) {
      expect(['ServerDead', 'ServerDown']).toContain(outcome);
      expect(milliseconds).toBeLessThan(AT_ONCE);
    }
    expect(keys.map((key) => mc.serverFor(key))).toEqual(before);
    await victim?.restart();
    await sleep(1100);
    await until(async () => (await timed(mc.set(lost[0] ?? '', 1))).outcome === 'ok');
  });
});

it('all servers dead: every operation ends at once, and ketama does not crash without servers', async () => {
  const ports = await Promise.all([startRefusingPort(), startRefusingPort()]);
  const behaviors = { ketama: true, remove_failed: 1, retry_timeout: 60 };
  const mc = connect(ports, { timeout: 1000, behaviors });
  for (let round = 0; round < 5; ++round) {
    const results = await Promise.all(keys.map((key) => timed(mc.set(key, 1))));
    for (const { outcome } of results) expect(['ConnectionError', 'ServerDown', 'ServerDead']).toContain(outcome);
    expect(Math.max(...results.map(({ milliseconds }) => milliseconds))).toBeLessThan(MARGIN);
  }
});

it('a name that does not resolve is HostLookupError, within the deadline', async () => {
  const mc = connect('no-such-host.invalid:11211', { timeout: 3000 });
  const { outcome, milliseconds } = await timed(mc.get('key'));
  expect(['HostLookupError', 'ConnectionError', 'TimeoutError']).toContain(outcome);
  expect(milliseconds).toBeLessThan(3000 + MARGIN);
});
