import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { startSilentServer, type FakeServer } from '../support/fake-servers';
import { failure, protocols, sleep, useClients, type Thrown } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();
/** The contract's margin is 100 ms; the machine may be busy. */
const margin = 400;

let silent: FakeServer;
beforeAll(async () => {
  silent = await startSilentServer();
});
afterAll(async () => {
  await silent.stop();
  await stopAll();
});

async function timed(promise: Promise<unknown>): Promise<[Thrown, milliseconds: number]> {
  const start = performance.now();
  const error = await failure(promise);
  return [error, performance.now() - start];
}

const calls: [string, (mc: Client, options?: { timeout?: number }) => Promise<unknown>][] = [
  ['get', (mc, options) => mc.get('key', undefined, options)],
  ['gets', (mc, options) => mc.gets('key', options)],
  ['has', (mc, options) => mc.has('key', options)],
  ['getMulti', (mc, options) => mc.getMulti(['key', 'other'], options)],
  ['getsMulti', (mc, options) => mc.getsMulti(['key', 'other'], options)],
  ['set', (mc, options) => mc.set('key', 1, options)],
  ['add', (mc, options) => mc.add('key', 1, options)],
  ['replace', (mc, options) => mc.replace('key', 1, options)],
  ['cas', (mc, options) => mc.cas('key', 1, 1n, options)],
  ['append', (mc, options) => mc.append('key', 'data', options)],
  ['prepend', (mc, options) => mc.prepend('key', 'data', options)],
  ['incr', (mc, options) => mc.incr('key', 1, options)],
  ['decr', (mc, options) => mc.decr('key', 1, options)],
  ['incrMulti', (mc, options) => mc.incrMulti(['key', 'other'], options)],
  ['decrMulti', (mc, options) => mc.decrMulti(['key', 'other'], options)],
  ['delete', (mc, options) => mc.delete('key', options)],
  ['deleteMulti', (mc, options) => mc.deleteMulti(['key', 'other'], options)],
  ['touch', (mc, options) => mc.touch('key', 1, options)],
  ['flushAll', (mc, options) => mc.flushAll(options)],
  ['getStats', (mc, options) => mc.getStats(undefined, options)],
  ['version', (mc, options) => mc.version(options)],
];

describe.each(protocols)('a silent server (binary: %s)', (binary) => {
  it("rejects every operation with a TimeoutError at the client's timeout", async () => {
    // Clients of their own: an operation behind a server that is known to be down fails sooner.
    const start = performance.now();
    const errors = await Promise.all(calls.map(([, call]) => failure(call(connect(silent, { binary, timeout: 250 })))));
    const elapsed = performance.now() - start;
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_MEMCACHED_TIMEOUT' });
      expect(error.retcode).toBeGreaterThan(0);
    }
    expect(elapsed).toBeGreaterThan(245);
    expect(elapsed).toBeLessThan(250 + margin);
  });

  it("a call's own timeout counts instead", async () => {
    const short = calls.map(([, call]) =>
      failure(call(connect(silent, { binary, timeout: 20_000 }), { timeout: 100 })),
    );
    const long = timed(connect(silent, { binary, timeout: 50 }).get('key', undefined, { timeout: 300 }));
    const start = performance.now();
    for (const error of await Promise.all(short)) expect(error.name).toBe('TimeoutError');
    expect(performance.now() - start).toBeLessThan(100 + margin);
    const [error, elapsed] = await long;
    expect(error).toMatchObject({ operation: 'get', key: 'key' });
    expect(elapsed).toBeGreaterThan(295);
    expect(elapsed).toBeLessThan(300 + margin);
  });

  it('those that wait behind it meet their own deadlines', async () => {
    const mc = connect(silent, { binary, timeout: 5000 });
    const start = performance.now();
    const deadlines = [300, 100, 200, 150];
    const met = await Promise.all(
      deadlines.map(async (timeout, index) => {
        await failure(mc.set(`key-${index}`, 1, { timeout }));
        return performance.now() - start;
      }),
    );
    for (const [index, elapsed] of met.entries()) {
      expect(elapsed).toBeGreaterThan((deadlines[index] as number) - 5);
      expect(elapsed).toBeLessThan((deadlines[index] as number) + margin);
    }
  });

  it('a multi names the keys that failed', async () => {
    const mc = connect(silent, { binary, timeout: 100 });
    expect(await failure(mc.getMulti(['a', 'b']))).toMatchObject({
      name: 'TimeoutError',
      values: new Map(),
      failedKeys: ['a', 'b'],
    });
    expect(await connect(silent, { binary, timeout: 100 }).setMulti({ a: 1, b: 2 })).toEqual(['a', 'b']);
  });

  it('later operations fail too, each in its time', async () => {
    const mc = connect(silent, { binary, timeout: 100 });
    for (let count = 0; count < 4; ++count) {
      const [error, elapsed] = await timed(mc.get('key'));
      expect(['TimeoutError', 'ServerDown']).toContain(error.name);
      expect(elapsed).toBeLessThan(100 + margin);
    }
  });
});

describe.each(protocols)('a server that stops answering (binary: %s)', (binary) => {
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => server.stop());

  it('the outcome of a write that was sent is not known; a read has none', async () => {
    const mc = connect(server, { binary, timeout: 200, behaviors: { retry_timeout: 0 } });
    const key = uniqueKey();
    await mc.set(key, 'before');
    await stop(server);
    try {
      const [write, elapsed] = await timed(mc.set(key, 'after'));
      expect(write).toMatchObject({ name: 'TimeoutError', operation: 'set', key, outcomeUnknown: true });
      expect(write.message).toContain('may or may not');
      expect(elapsed).toBeGreaterThan(195);
      expect(elapsed).toBeLessThan(200 + margin);
    } finally {
      server.resume();
    }
    await sleep(50);
    await eventually(async () => {
      expect(['before', 'after']).toContain(await mc.get(key));
    });
    await stop(server);
    try {
      const [read] = await timed(mc.get(key));
      expect(read).toMatchObject({ name: 'TimeoutError', operation: 'get', key, outcomeUnknown: false });
    } finally {
      server.resume();
    }
    await eventually(async () => {
      expect(await mc.set(key, 'again')).toBe(true);
    });
    expect(await mc.get(key)).toBe('again');
  });

  it("so it is when only the call's own time is over, and destroying the client does not make it known", async () => {
    const mc = connect(server, { binary, timeout: 5000 });
    const key = uniqueKey();
    await mc.set(key, 'before');
    await stop(server);
    try {
      const expected = { operation: 'set', key, outcomeUnknown: true };
      expect(await failure(mc.set(key, 'after', { timeout: 100 }))).toMatchObject({
        ...expected,
        name: 'TimeoutError',
      });
      const other = connect(server, { binary, timeout: 5000 });
      server.resume();
      await other.set(key, 'before');
      await stop(server);
      const pending = failure(other.set(key, 'after'));
      await sleep(50);
      other.destroy();
      expect(await pending).toMatchObject({ ...expected, name: 'ClientClosed' });
    } finally {
      server.resume();
    }
  });

  it('nothing waits for the answer of another: both were sent, and of both nobody knows', async () => {
    const mc = connect(server, { binary, timeout: 250 });
    const [first, second] = [uniqueKey(), uniqueKey()];
    await mc.get(first);
    await stop(server);
    try {
      const sent = failure(mc.set(first, 1));
      await sleep(50);
      const late = await failure(mc.set(second, 1, { timeout: 100 }));
      expect(late).toMatchObject({ name: 'TimeoutError', key: second, outcomeUnknown: true });
      expect(await sent).toMatchObject({ name: 'TimeoutError', key: first, outcomeUnknown: true });
    } finally {
      server.resume();
    }
  });

  it('what waited for room in the socket and was never sent is known not to have been applied', async () => {
    const mc = connect(server, { binary, timeout: 20_000 });
    const [first, second] = [uniqueKey(), uniqueKey()];
    await mc.get(first);
    await stop(server);
    let filling;
    try {
      // More than sockets take, and more than is made ready for them.
      filling = Array.from({ length: 30 }, (_, index) => mc.set(`${first}-${index}`, Buffer.alloc(900_000)));
      await sleep(50);
      expect(mc.metrics().servers[0]?.queueDepth).toBeGreaterThan(0);
      const late = await failure(mc.set(second, 1, { timeout: 100 }));
      expect(late).toMatchObject({ name: 'TimeoutError', key: second, outcomeUnknown: false });
    } finally {
      server.resume();
    }
    expect(await Promise.all(filling)).toEqual(filling.map(() => true));
    expect(await mc.get(second)).toBeUndefined();
    const other = connect(server, { binary });
    expect(await other.get(second)).toBeUndefined();
  });

  it('an operation has its whole time, also after a tick in which nothing was sent', async () => {
    const mc = connect(server, { binary, timeout: 200 });
    await failure(mc.get(''));
    await sleep(300);
    expect(await mc.get(uniqueKey())).toBeUndefined();
  });

  it('stalls only its own keys', async () => {
    const healthy = await startMemcached();
    const mc = connect([server, healthy], { binary, timeout: 300 });
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, key] as const));
    const isHealthy = (key: string): boolean => mc.serverFor(key) === healthy.address;
    await stop(server);
    try {
      const stalled = failure(mc.getMulti(keys));
      const start = performance.now();
      const good = keys.filter(isHealthy);
      expect((await mc.getMulti(good)).size).toBe(good.length);
      expect(performance.now() - start).toBeLessThan(250);
      const error = await stalled;
      expect(error).toMatchObject({ name: 'TimeoutError', failedKeys: keys.filter((key) => !isHealthy(key)) });
      expect([...(error.values as Map<string, string>).keys()]).toEqual(good);
    } finally {
      server.resume();
      await healthy.stop();
    }
  });
});

/** A signal takes a moment to arrive. */
async function stop(server: MemcachedServer): Promise<void> {
  server.suspend();
  await sleep(30);
}

/** The first operations after an outage may still fail: the server is tried again after a while. */
async function eventually(attempt: () => Promise<void>): Promise<void> {
  for (let left = 20; ; --left) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(50);
    }
  }
}

describe('timeouts that are refused', () => {
  it.each([
    [0, RangeError],
    [-1, RangeError],
    [NaN, RangeError],
    [Infinity, RangeError],
    [2 ** 31, RangeError],
    ['100', TypeError],
    [null, TypeError],
  ])('%p', async (timeout, type) => {
    const mc = connect('127.0.0.1:1');
    for (const [, call] of calls) {
      const error = await failure(call(mc, { timeout: timeout as never }));
      expect(error).toBeInstanceOf(type);
      expect(error.message).toContain('timeout');
    }
    expect(() => connect('127.0.0.1:1', { timeout: timeout as never })).toThrow(type);
  });
});
