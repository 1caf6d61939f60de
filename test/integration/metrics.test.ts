// mc.metrics(): what was counted is what happened.

import { Client, type ClientMetrics, type ServerMetrics } from '../../lib/index';
import { startFaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { failure, sleep, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(2);

const only = (metrics: ClientMetrics): ServerMetrics => {
  expect(metrics.servers).toHaveLength(1);
  return metrics.servers[0] as ServerMetrics;
};

/** As many keys as asked for that go to one server. */
function keysOn(mc: Client, server: string, count: number): string[] {
  const keys: string[] = [];
  while (keys.length < count) {
    const key = uniqueKey('metrics');
    if (mc.serverFor(key) === server) keys.push(key);
  }
  return keys;
}

describe.each([true, false])('binary: %s', (binary) => {
  test('a client that did nothing', () => {
    const mc = connect(servers(), { binary });
    expect(mc.metrics()).toMatchObject({ pending: 0, refused: 0 });
    expect(mc.metrics().servers.map((server) => server.server)).toEqual(mc.servers);
    for (const server of mc.metrics().servers) {
      expect(server).toMatchObject({ state: 'up', operations: 0, hits: 0, misses: 0, errors: 0, errorsByKind: {} });
      expect(server).toMatchObject({ batches: 0, meanBatchSize: 0, coalesced: 0, queueDepth: 0, inFlight: 0 });
      expect(server).toMatchObject({
        reconnects: 0,
        bytesReceived: 0,
        bytesSent: 0,
        latency: { count: 0, sum: 0, max: 0, p50: 0, p999: 0, buckets: [] },
      });
    }
  });

  test('operations by name, hits and misses, each at its server', async () => {
    const mc = connect(servers(), { binary });
    const [first, second] = mc.servers as [string, string];
    const [a, b, c] = keysOn(mc, first, 3) as [string, string, string];
    const [d] = keysOn(mc, second, 1) as [string];
    await mc.set(a, 1);
    await mc.setMulti({ [b]: 2, [d]: 3 });
    await mc.add(b, 2);
    await mc.get(a);
    await mc.get(c);
    await mc.gets(a);
    await mc.has(a);
    await mc.getMulti([a, b, c, d]);
    await mc.delete(c);
    await mc.incr(a);
    const [here, there] = mc.metrics().servers as [ServerMetrics, ServerMetrics];
    expect(here.operations).toBe(12);
    expect(here.operationsByName).toMatchObject({ set: 2, add: 1, get: 6, gets: 1, delete: 1, incr: 1, decr: 0 });
    expect(here).toMatchObject({ hits: 5, misses: 2, errors: 0, coalesced: 0, queueDepth: 0, inFlight: 0 });
    expect(here.latency.count).toBe(12);
    expect(there.operations).toBe(2);
    expect(there.operationsByName).toMatchObject({ set: 1, get: 1 });
    expect(there).toMatchObject({ hits: 1, misses: 0, batches: 2, meanBatchSize: 1 });
  });

  test('a key that many want is coalesced, and a hit for each', async () => {
    const mc = connect(servers()[0] as { address: string }, { binary });
    const key = uniqueKey('wanted');
    await mc.set(key, 'x');
    // Of one call, as single ones leave in portions.
    await mc.getMulti(Array.from({ length: 50 }, () => key));
    expect(only(mc.metrics())).toMatchObject({ hits: 50, coalesced: 49, batches: 2, meanBatchSize: 1 });
    await Promise.all(Array.from({ length: 2 }, () => mc.get(key)));
    expect(only(mc.metrics())).toMatchObject({ hits: 52, coalesced: 50, batches: 3, meanBatchSize: 1 });
  });

  test('batches, and how large they are', async () => {
    const mc = connect(servers()[0] as { address: string }, { binary });
    await mc.getMulti(Array.from({ length: 100 }, () => uniqueKey('batch')));
    expect(only(mc.metrics())).toMatchObject({ misses: 100, batches: 1, meanBatchSize: 100 });
    await Promise.all(Array.from({ length: 2 }, () => mc.get(uniqueKey('batch'))));
    expect(only(mc.metrics())).toMatchObject({ misses: 102, batches: 2, meanBatchSize: 102 / 2 });
    await Promise.all(Array.from({ length: 3000 }, () => mc.get(uniqueKey('batch'))));
    const { batches, meanBatchSize } = only(mc.metrics());
    expect(batches * meanBatchSize).toBeCloseTo(3102);
    expect(meanBatchSize).toBeGreaterThan(5);
  });

  test('bytes that were sent and received, greetings and all', async () => {
    const proxy = await startFaultProxy(servers()[0] as { host: string; port: number });
    const mc = connect(proxy, { binary });
    const key = uniqueKey('bytes');
    await mc.set(key, 'x'.repeat(100_000));
    const before = only(mc.metrics());
    expect(before.bytesSent).toBe(proxy.requests.length);
    expect(before.bytesSent).toBeGreaterThan(100_000);
    expect(before.bytesReceived).toBeLessThan(1000);
    await mc.get(key);
    const after = only(mc.metrics());
    expect(after.bytesSent).toBe(proxy.requests.length);
    expect(after.bytesReceived - before.bytesReceived).toBeGreaterThan(100_000);
    expect(after.bytesReceived - before.bytesReceived).toBeLessThan(100_500);
    await mc.disconnectAll();
    await mc.get(uniqueKey('bytes')); // over another connection: they go on counting
    expect(only(mc.metrics()).bytesReceived).toBeGreaterThan(after.bytesReceived);
    expect(only(mc.metrics()).bytesSent).toBeGreaterThan(after.bytesSent);
    await proxy.stop();
  });

  test('errors have their names, and their server', async () => {
    const mc = connect(servers(), { binary });
    const second = mc.servers[1] as string;
    const [missing, huge, word] = keysOn(mc, second, 3) as [string, string, string];
    await mc.set(word, 'no number');
    const errors = [
      await failure(mc.incr(missing)),
      await failure(mc.set(huge, Buffer.alloc(2_000_000))),
      await failure(mc.incr(word)),
    ];
    expect(errors.map((error) => error.name)).toEqual(['NotFound', 'TooBig', 'ClientError']);
    expect(errors.map((error) => error.server)).toEqual([second, second, second]);
    expect(mc.metrics().servers[0]).toMatchObject({ errors: 0, errorsByKind: {} });
    expect(mc.metrics().servers[1]).toMatchObject({
      errors: 3,
      errorsByKind: { NotFound: 1, TooBig: 1, ClientError: 1 },
    });
  });
});

test('a value that the codec cannot read is an error, and a hit', async () => {
  const mc = connect(servers()[0] as { address: string }, {
    codec: {
      serialize: (value) => [String(value), 0],
      deserialize: () => {
        throw new Error('no');
      },
    },
  });
  const key = uniqueKey('unreadable');
  await mc.set(key, 'x');
  await failure(mc.get(key));
  expect(only(mc.metrics())).toMatchObject({ hits: 1, errorsByKind: { DeserializationError: 1 } });
});

describe('a server that hangs', () => {
  test('what waits is counted, then what was given up; failSoft counts as well', async () => {
    const [server] = servers();
    const mc = connect(server as { address: string }, { timeout: 300, failSoft: true });
    const key = uniqueKey('hangs');
    await mc.set(key, 1);
    server?.suspend();
    try {
      const reads = [mc.get(key)];
      await sleep(50); // it is on its way
      reads.push(mc.get(key), mc.get(key));
      await new Promise(setImmediate);
      // Nothing waits for the answer of another: all of them were sent.
      expect(mc.metrics()).toMatchObject({ pending: 3, servers: [{ inFlight: 3, queueDepth: 0, hits: 0 }] });
      await Promise.all(reads);
      const given = only(mc.metrics());
      expect(given.errors).toBe(3);
      // Whoever notices first, the deadline or the connection, the reads that were sent are late.
      expect(given.errorsByKind).toHaveProperty('TimeoutError');
      // The connection may find out a little later.
      for (let tries = 0; tries < 200 && only(mc.metrics()).state === 'up'; ++tries) await sleep(10);
      expect(only(mc.metrics())).toMatchObject({ state: 'down', inFlight: 0, queueDepth: 0, hits: 0, misses: 0 });
      expect(only(mc.metrics()).latency.max).toBeGreaterThan(0.25);
      await mc.get(key);
      expect(only(mc.metrics()).errorsByKind).toMatchObject({ ServerDown: (given.errorsByKind.ServerDown ?? 0) + 1 });
      expect(only(mc.metrics())).toMatchObject({ operations: 5, errors: 4 });
    } finally {
      server?.resume();
    }
  });
});

test('connections that are made again', async () => {
  const mc = connect(servers()[0] as { address: string });
  const keys = Array.from({ length: 20 }, () => uniqueKey('reconnect'));
  await mc.getMulti(keys);
  expect(only(mc.metrics()).reconnects).toBe(0);
  await mc.disconnectAll();
  await mc.getMulti(keys);
  expect(only(mc.metrics()).reconnects).toBe(1);
});

test('what was refused because too much is pending', async () => {
  const mc = connect(servers()[0] as { address: string }, { maxPending: 2 });
  const results = await Promise.allSettled([mc.get('a'), mc.get('b'), mc.get('c'), mc.getMulti(['d', 'e'])]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(mc.metrics()).toMatchObject({ refused: 3, pending: 0 });
});

test('a closed client still tells', async () => {
  const mc = new Client((servers()[0] as { address: string }).address);
  await mc.get(uniqueKey('closed'));
  await mc.close();
  expect(only(mc.metrics())).toMatchObject({ misses: 1 });
});

test('the histogram: counts, percentiles and buckets agree', async () => {
  const mc = connect(servers()[0] as { address: string });
  for (let round = 0; round < 200; ++round) await mc.get(uniqueKey('latency'));
  const { latency } = only(mc.metrics());
  expect(latency.count).toBe(200);
  expect(latency.buckets.reduce((total, bucket) => total + bucket.count, 0)).toBe(200);
  expect(latency.countAtMost(Infinity)).toBe(200);
  expect(latency.countAtMost(latency.max)).toBeLessThanOrEqual(200);
  expect(latency.countAtMost(0)).toBe(0);
  const ordered = [0, latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
  expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
  expect(latency.sum / latency.count).toBeLessThanOrEqual(latency.max);
  expect(JSON.parse(JSON.stringify(latency))).toMatchObject({ count: 200, p50: latency.p50 });
});
