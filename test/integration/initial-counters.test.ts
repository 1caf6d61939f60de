// Counters that are created if they are not there: `incr(key, delta, { initial, time })`, which is more than one request.

import type { Client } from '../../lib/index';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { startReplayServer, type FakeServer } from '../support/fake-servers';
import { everywhere, failure, protocols, secondsLeft, sleep, stored, useClients } from '../support/clients';
import '../support/wall-clock';

const largest = 2n ** 64n - 1n;

everywhere(({ connect, server }) => {
  it.each(['incr', 'decr'] as const)('creates the counter: %s', async (method) => {
    const mc = connect();
    const key = uniqueKey();
    expect(await mc[method](key, 3, { initial: 100 })).toBe(100);
    expect(await mc[method](key, 3, { initial: 100 })).toBe(method === 'incr' ? 103 : 97);
    expect(await secondsLeft(server(), key)).toBe(-1);
  });

  it('it is the number that set would have stored', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.incr(key, 1, { initial: 5 });
    expect(await mc.get(key)).toBe(5);
    expect(await stored(server(), key)).toEqual({ bytes: '5', flags: 4 });
    await mc.incr(key, 1, { initial: 5 });
    expect(await mc.getMulti([key])).toEqual(new Map([[key, 6]]));
  });

  it('has 64 bits', async () => {
    const mc = connect();
    const [key, other] = [uniqueKey(), uniqueKey()];
    expect(await mc.incr(key, 1, { initial: largest, bigint: true })).toBe(largest);
    expect(await mc.get(key)).toBe(largest);
    expect(await mc.incr(key, 1, { initial: largest, bigint: true })).toBe(0n);
    expect(await mc.incr(uniqueKey(), 1, { initial: 0 })).toBe(0);
    expect(await mc.incr(uniqueKey(), 1, { initial: 2n ** 53n - 1n })).toBe(Number.MAX_SAFE_INTEGER);
    // As any value above 2^53-1 that is no bigint: it was created, and the error says what it is.
    expect(await failure(mc.decr(other, 1, { initial: largest }))).toMatchObject({
      name: 'RangeError',
      value: largest,
      key: other,
      operation: 'decr',
    });
    expect(await mc.get(other)).toBe(largest);
  });

  it('takes a time', async () => {
    const mc = connect();
    const [relative, absolute] = [uniqueKey(), uniqueKey()];
    expect(await mc.incr(relative, 1, { initial: 1, time: 100 })).toBe(1);
    expect(await mc.incr(absolute, 1, { initial: 1, time: new Date(Date.now() + 200_000) })).toBe(1);
    for (const [key, seconds] of [
      [relative, 100],
      [absolute, 200],
    ] as const) {
      const left = await secondsLeft(server(), key);
      expect(left).toBeGreaterThan(seconds - 5);
      expect(left).toBeLessThan(seconds + 3);
    }
    // Of what is there already the time stays.
    await mc.incr(relative, 1, { initial: 1, time: 1000 });
    expect(await secondsLeft(server(), relative)).toBeLessThanOrEqual(100);
  });

  it('creates once for many callers', async () => {
    const mc = connect();
    const key = uniqueKey();
    const values = await Promise.all(Array.from({ length: 50 }, () => mc.incr(key, 1, { initial: 0 })));
    expect(values).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('creates once for several clients', async () => {
    const clients = [connect(), connect(), connect()];
    for (let round = 0; round < 10; ++round) {
      const key = uniqueKey();
      const values = await Promise.all(
        clients.flatMap((mc) => Array.from({ length: 10 }, () => mc.incr(key, 1, { initial: 0 }))),
      );
      expect(values.sort((a, b) => a - b)).toEqual(values.map((_value, index) => index));
      expect(await clients[0]?.get(key)).toBe(values.length - 1);
    }
  });
});

describe.each(protocols)('binary: %s', (binary) => {
  const connect = useClients();
  let server: MemcachedServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    server = await startMemcached();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy(server);
  });
  afterEach(() => proxy.stop());
  afterAll(stopAll);

  /** A client that is connected, and each of whose answers takes so long. */
  async function slowed(delay: number): Promise<Client> {
    const mc = connect(proxy, { binary, timeout: 10_000 });
    await mc.get(uniqueKey());
    proxy.set('answers', { delay });
    return mc;
  }

  it('one deadline for all of it: two answers of 300 ms do not fit in 500', async () => {
    const mc = await slowed(300);
    const start = performance.now();
    const error = await failure(mc.incr(uniqueKey(), 1, { initial: 5, timeout: 500 }));
    expect(error).toMatchObject({ name: 'TimeoutError', outcomeUnknown: true });
    expect(performance.now() - start).toBeGreaterThan(450);
    expect(await mc.incr(uniqueKey(), 1, { initial: 5, timeout: 5000 })).toBe(5);
  });

  it('a signal that is aborted between the requests, or before them', async () => {
    const mc = await slowed(200);
    const reason = new Error('enough');
    const key = uniqueKey();
    const controller = new AbortController();
    const counting = failure(mc.incr(key, 1, { initial: 5, signal: controller.signal }));
    await sleep(300);
    controller.abort(reason);
    expect(await counting).toBe(reason);
    expect(await failure(mc.incr(key, 1, { initial: 5, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('close waits for it; later ones are refused', async () => {
    const mc = await slowed(100);
    const key = uniqueKey();
    const counting = mc.incr(key, 1, { initial: 5 });
    const closing = mc.close();
    expect(await failure(mc.incr(key, 1, { initial: 5 }))).toMatchObject({ name: 'ClientClosed', operation: 'incr' });
    await closing;
    expect(await counting).toBe(5);
  });

  it('destroy ends it', async () => {
    const mc = await slowed(100);
    const counting = failure(mc.incr(uniqueKey(), 1, { initial: 5 }));
    await sleep(150);
    mc.destroy();
    expect((await counting).name).toBe('ClientClosed');
    await mc.close();
  });

  it('a key that is changed meanwhile is the one that was given', async () => {
    const mc = await slowed(50);
    const [key, other] = [uniqueKey(), uniqueKey()];
    const bytes = Buffer.from(key);
    const counting = mc.incr(bytes, 1, { initial: 5 });
    bytes.fill('x');
    expect(await counting).toBe(5);
    expect(await mc.getMulti([key, other])).toEqual(new Map([[key, 5]]));
  });

  it.each([
    ['pylibmc', 42, 4],
    ['structured', 42, 4],
    ['php', 42, 1],
    ['memcached', 42, 8],
    // These store no digits for a number: a counter is bytes to them.
    ['dalli', Buffer.from('42'), 0],
    ['memjs', Buffer.from('42'), 0],
    ['raw', { data: Buffer.from('42'), flags: 0 }, 0],
  ] as const)('the codec %s reads it as %p', async (codec, value, flags) => {
    const mc = connect(server, { binary, codec });
    const key = uniqueKey();
    expect(await mc.incr(key, 1, { initial: 41 })).toBe(41);
    expect(await mc.incr(key)).toBe(42);
    expect(await mc.get(key)).toEqual(value);
    expect(await stored(server, key)).toEqual({ bytes: '42', flags });
  });

  it('what is no number rejects, and stays', async () => {
    const mc = connect(server, { binary });
    const key = uniqueKey();
    await mc.set(key, 'text');
    expect(await failure(mc.incr(key, 1, { initial: 5 }))).toMatchObject({ name: 'ClientError', key });
    expect(await mc.get(key)).toBe('text');
  });

  it('that it was not there is no error', async () => {
    const mc = connect(server, { binary });
    await mc.incr(uniqueKey(), 1, { initial: 5 });
    const [metrics] = mc.metrics().servers;
    expect(metrics).toMatchObject({ errors: 0, operationsByName: { incr: 1, add: 1 } });
  });
});

describe('a server that', () => {
  const connect = useClients();
  let fake: FakeServer;
  afterEach(() => fake.stop());

  /** Answers each command as `answers` says; hangs up where it says nothing. */
  async function serverThat(answers: Record<string, string>): Promise<FakeServer> {
    return startReplayServer((socket, chunk) => {
      const [command = ''] = chunk.toString('latin1').split(' ');
      const answer = command.startsWith('version') ? 'VERSION 1.6.18\r\n' : answers[command];
      if (answer === undefined) socket.destroy();
      else socket.write(answer);
    });
  }

  it('neither has it nor lets it be added: NotFound, after a few rounds', async () => {
    fake = await serverThat({ incr: 'NOT_FOUND\r\n', add: 'NOT_STORED\r\n' });
    const error = await failure(connect(fake).incr('key', 1, { initial: 5 }));
    expect(error).toMatchObject({ name: 'NotFound', operation: 'incr', key: 'key', outcomeUnknown: false });
    const rounds = fake.received.toString().split('incr key').length - 1;
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThan(10);
  });

  it('hangs up while it is being created: nobody knows whether it is', async () => {
    fake = await serverThat({ incr: 'NOT_FOUND\r\n' });
    const error = await failure(connect(fake).incr('key', 1, { initial: 5 }));
    expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
    expect(error).toMatchObject({ key: 'key', server: fake.address, outcomeUnknown: true });
  });

  it('refuses to create it: that is certain', async () => {
    fake = await serverThat({ incr: 'NOT_FOUND\r\n', add: 'SERVER_ERROR out of memory storing object\r\n' });
    const error = await failure(connect(fake).incr('key', 1, { initial: 5 }));
    expect(error).toMatchObject({ name: 'AllocationError', key: 'key', outcomeUnknown: false });
  });
});
