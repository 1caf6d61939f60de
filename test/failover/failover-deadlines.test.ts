// Every promise settles by its deadline, whatever the server does; and what that means for the server and for later calls.

import { uniqueKey } from '../support/unique-keys';
import {
  failure,
  MARGIN,
  protocols,
  sleep,
  stored,
  tally,
  timed,
  until,
  useClients,
  useProxiedServer,
} from '../support/failover-clusters';

const { server, proxy } = useProxiedServer();
const connect = useClients();

/** A server that is tried again at once, so that each of these tests sees one thing. */
const behaviors = { retry_timeout: 0 };
/** For what only prepares: it shall not fail because the machine is busy. */
const patient = { timeout: 5000 };

describe.each(protocols)('binary: %s', (binary) => {
  const make = (timeout: number) => connect(proxy(), { binary, timeout, behaviors });

  it.each(['answers', 'requests'] as const)("the client's timeout, held %s", async (direction) => {
    const mc = make(300);
    await mc.set('warm', 1, patient);
    proxy().set(direction, { hold: true });
    const began = performance.now();
    const { outcome, error, milliseconds } = await timed(mc.get('warm'));
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    expect(outcome).toBe('TimeoutError');
    expect(error).toMatchObject({ code: 'ERR_MEMCACHED_TIMEOUT', operation: 'get', key: 'warm' });
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(milliseconds).toBeLessThan(300 + MARGIN);
  });

  it('a connection that is never answered, from the first operation on', async () => {
    proxy().welcome = 'ignore';
    const mc = make(300);
    const results = await Promise.all([
      timed(mc.get('key')),
      timed(mc.set('key', 1)),
      timed(mc.getMulti(['key', 'other'])),
      timed(mc.incr('key')),
      timed(mc.getStats()),
      timed(mc.version()),
      timed(mc.flushAll()),
    ]);
    for (const { outcome, error, milliseconds } of results) {
      expect(['TimeoutError', 'ServerDown']).toContain(outcome);
      expect(error).toMatchObject({ outcomeUnknown: false });
      expect(milliseconds).toBeLessThan(300 + MARGIN);
    }
  });

  it("a call's own timeout, shorter than the client's", async () => {
    const mc = make(5000);
    await mc.set('warm', 1, patient);
    proxy().set('answers', { hold: true });
    const began = performance.now();
    const calls = [
      timed(mc.get('warm', undefined, { timeout: 150 })),
      timed(mc.set('warm', 1, { timeout: 150 })),
      timed(mc.getMulti(['warm', 'cold'], { timeout: 150 })),
      timed(mc.delete('warm', { timeout: 150 })),
      timed(mc.incr('cold', 1, { timeout: 150 })),
      timed(mc.append('warm', 'x', { timeout: 150 })),
    ];
    // All have the deadline of their tick's first; the last ones' own clocks may start milliseconds later.
    const calling = performance.now() - began;
    const results = await Promise.all(calls);
    expect(tally(results)).toEqual({ TimeoutError: 6 });
    for (const { milliseconds } of results) {
      expect(milliseconds).toBeGreaterThanOrEqual(150 - calling);
      expect(milliseconds).toBeLessThan(150 + MARGIN);
    }
  });

  it("a call's own timeout, longer than the client's", async () => {
    const mc = make(150);
    await mc.set('warm', 1, patient);
    proxy().set('answers', { hold: true });
    const read = timed(mc.get('warm', undefined, { timeout: 5000 }));
    await sleep(400);
    proxy().heal();
    expect(await read).toMatchObject({ outcome: 'ok', value: 1 });
  });

  it('a signal: its reason, at once', async () => {
    const mc = make(5000);
    await mc.set('warm', 1, patient);
    proxy().set('answers', { hold: true });
    const controller = new AbortController();
    const { signal } = controller;
    const pending = [
      failure(mc.get('warm', undefined, { signal })),
      failure(mc.set('warm', 2, { signal })),
      failure(mc.getMulti(['a', 'b'], { signal })),
      failure(mc.getStats(undefined, { signal })),
    ];
    await sleep(50);
    const reason = new Error('no longer wanted');
    const start = performance.now();
    controller.abort(reason);
    for (const error of await Promise.all(pending)) expect(error).toBe(reason);
    expect(performance.now() - start).toBeLessThan(MARGIN);
    expect(await failure(mc.get('warm', undefined, { signal }))).toBe(reason);
    const error = await failure(mc.get('warm', undefined, { signal: AbortSignal.timeout(100) }));
    expect(error.name).toBe('TimeoutError');
  });

  it('what was sent has an unknown outcome; what was not, was never sent', async () => {
    const mc = make(400);
    const [sent, queued, aborted] = [uniqueKey('sent'), uniqueKey('queued'), uniqueKey('aborted')];
    await mc.set('warm', 1, patient);
    proxy().set('answers', { hold: true });
    proxy().forget();
    const first = timed(mc.set(sent, 'sent'));
    await until(() => proxy().requests.includes(sent));
    // More than sockets take: what is called behind it waits until there is room.
    proxy().set('requests', { hold: true });
    const filling = Array.from({ length: 30 }, () => timed(mc.set(uniqueKey('filling'), Buffer.alloc(900_000))));
    await until(() => (mc.metrics().servers[0]?.queueDepth ?? 0) > 0);
    const controller = new AbortController();
    const others = [
      timed(mc.set(queued, 'queued')),
      timed(mc.set(queued, 'queued', { timeout: 100 })),
      timed(mc.set(aborted, 'aborted', { signal: controller.signal })),
    ];
    await sleep(50);
    controller.abort();
    const { error } = await first;
    expect(error).toMatchObject({ name: 'TimeoutError', outcomeUnknown: true });
    expect(String(error?.message)).toContain('may or may not have been applied');
    for (const { outcome, error, milliseconds } of await Promise.all(others)) {
      expect(['TimeoutError', 'ServerDown', 'AbortError']).toContain(outcome);
      if (outcome !== 'AbortError') expect(error).toMatchObject({ outcomeUnknown: false });
      expect(milliseconds).toBeLessThan(400 + MARGIN);
    }
    for (const { outcome } of await Promise.all(filling)) expect(['TimeoutError', 'ServerDown']).toContain(outcome);
    proxy().heal();
    await mc.get('warm', undefined, patient);
    await sleep(50);
    expect(proxy().requests.includes(queued)).toBe(false);
    expect(proxy().requests.includes(aborted)).toBe(false);
    expect(await stored(server(), sent)).toMatchObject({ bytes: 'sent' });
    expect(await stored(server(), queued)).toBeUndefined();
    expect(await stored(server(), aborted)).toBeUndefined();
  });

  it('queueing counts: thousands of calls behind a silent server all settle in time', async () => {
    const mc = make(500);
    await mc.set('warm', 1, patient);
    proxy().set('answers', { hold: true });
    const calls: Promise<{ outcome: string; milliseconds: number }>[] = [];
    for (let wave = 0; wave < 10; ++wave) {
      for (let index = 0; index < 100; ++index) {
        calls.push(timed(mc.get(`key-${index}`)), timed(mc.set(`key-${index}`, wave)));
      }
      await sleep(10);
    }
    const results = await Promise.all(calls);
    expect(Math.max(...results.map(({ milliseconds }) => milliseconds))).toBeLessThan(500 + 2 * MARGIN);
    const { TimeoutError = 0, ServerDown = 0 } = tally(results);
    expect(TimeoutError + ServerDown).toBe(2000);
  });

  it.each([
    ['it discards the connection', {}],
    ["a call's own timeout does not, but nobody reads its answer", { timeout: 60 }],
  ])('after a timeout no later operation reads the late answer: %s', async (_what, options) => {
    const mc = make(120);
    const keys = Array.from({ length: 8 }, (_, index) => `late-${index}`);
    for (const key of keys) await mc.set(key, `value of ${key}`, patient);
    for (let round = 0; round < 6; ++round) {
      proxy().set('answers', { hold: true });
      const late = [mc.get('late-0', undefined, options), mc.set('late-1', 'value of late-1', options)];
      for (const { outcome } of await Promise.all(late.map((call) => timed<unknown>(call))))
        expect(['TimeoutError', 'ServerDown']).toContain(outcome);
      proxy().set('answers', { hold: false });
      const read = await Promise.all(keys.map((key) => timed(mc.get(key, undefined, patient))));
      for (const [index, { outcome, value }] of read.entries()) {
        if (outcome === 'ok') expect(value).toBe(`value of late-${index}`);
        else expect(['TimeoutError', 'ServerDown', 'ConnectionError']).toContain(outcome);
      }
      await until(async () => (await timed(mc.get('late-3', undefined, patient))).value === 'value of late-3');
    }
  });
});

it('a multi-get that times out carries what was read', async () => {
  const mc = connect([proxy(), server()], { timeout: 300, behaviors });
  const keys = Array.from({ length: 20 }, (_, index) => `several-${index}`);
  await mc.setMulti(Object.fromEntries(keys.map((key) => [key, key])), patient);
  proxy().set('answers', { hold: true });
  const error = await failure(mc.getMulti(keys));
  const held = keys.filter((key) => mc.serverFor(key) === proxy().address);
  expect(error.name).toBe('TimeoutError');
  expect(error.failedKeys).toEqual(held);
  expect([...(error.values as Map<string, string>).keys()]).toEqual(keys.filter((key) => !held.includes(key)));
});
