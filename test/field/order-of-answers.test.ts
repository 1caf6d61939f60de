// No answer is taken for another request's, whatever nobody waits for, whatever a server says twice (rows O5, O6), and whatever
// takes longer than what was called after it. Orders of honest servers: test/integration/ordering.test.ts; what is refused
// under _noreply, one by one: test/behaviors/traffic.test.ts; frames whose lengths lie: test/hostile (key300, keyHuge …).

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client } from '../../lib/index';
import { startFaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { AT_ONCE, failure, MARGIN, protocols, sleep, tally, timed, useClients } from '../support/failover-clusters';
import { frame, opcodes, startFake, type FakeRequest } from '../support/fake-memcached';

const connect = useClients();
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached();
});
afterAll(stopAll);

describe.each(protocols)('binary: %s', (binary) => {
  describe('_noreply: nobody waits, and no answer is taken for another', () => {
    it('thousands of refused writes among reads', async () => {
      const mc = connect(server, { binary, timeout: 10_000, behaviors: { _noreply: true } });
      const [there, missing] = [uniqueKey(), uniqueKey()];
      await mc.set(there, 'first');
      const large = Buffer.alloc(2 ** 20 + 1);
      const quiet: Promise<unknown>[] = [];
      const reads: Promise<unknown>[] = [];
      const expected: unknown[] = [];
      for (let index = 0; index < 2000; ++index) {
        const key = `${there}-${String(index)}`;
        quiet.push(mc.set(key, index), mc.add(there, 'second'), mc.replace(missing, 1), mc.append(missing, 'x'));
        if (index % 200 === 0) quiet.push(mc.set(missing, large));
        reads.push(mc.get(key), mc.get(missing, 'miss'), mc.delete(missing), mc.get(there), mc.incr(key, 5));
        expected.push(index, 'miss', false, 'first', index + 5);
      }
      expect(new Set(await Promise.all(quiet))).toEqual(new Set([true]));
      expect(await Promise.all(reads)).toEqual(expected);
      expect(mc.metrics().servers[0]).toMatchObject({ state: 'up', errors: 0, inFlight: 0, queueDepth: 0 });
    });

    it('and switched to and fro among them', async () => {
      const mc = connect(server, { binary, timeout: 10_000 });
      const key = uniqueKey();
      await mc.set(key, 0);
      const results: Promise<unknown>[] = [];
      const expected: unknown[] = [];
      for (let index = 0; index < 300; ++index) {
        const isQuiet = index % 3 === 0;
        mc.setBehaviors({ _noreply: isQuiet });
        results.push(mc.add(key, 'refused'), mc.incr(key), mc.has(key));
        expected.push(isQuiet, index + 1, true);
      }
      expect(await Promise.all(results)).toEqual(expected);
    });

    it('a hung server: they resolve as they leave, and what needs an answer ends in time', async () => {
      const own = await startMemcached();
      const mc = connect(own, { binary, timeout: 400, behaviors: { _noreply: true } });
      await mc.get('warm');
      own.suspend();
      const stores = await Promise.all(
        Array.from({ length: 100 }, (_, index) => timed(mc.set(`quiet-${String(index)}`, 1))),
      );
      expect(tally(stores)).toEqual({ ok: 100 });
      const { outcome, milliseconds } = await timed(mc.get('quiet-1'));
      expect(['TimeoutError', 'ServerDown']).toContain(outcome);
      expect(milliseconds).toBeLessThan(400 + MARGIN);
      await sleep(500);
      expect(mc.metrics().servers[0]).toMatchObject({ inFlight: 0, queueDepth: 0 });
      own.resume();
      await own.stop();
    });
  });

  it('a call that was given up does not leave its answer to the next one', async () => {
    const mc = connect(server, { binary, timeout: 5000 });
    const keys = Array.from({ length: 500 }, () => uniqueKey());
    await Promise.all(keys.map((key) => mc.set(key, key)));
    for (let round = 0; round < 20; ++round) {
      const abort = new AbortController();
      const given = keys.map((key, index) =>
        timed(
          index % 2
            ? mc.get(key, undefined, { signal: abort.signal })
            : mc.getMulti([key, 'none'], { signal: abort.signal }),
        ),
      );
      const kept = keys.map((key) => mc.get(key));
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      expect(await Promise.all(kept)).toEqual(keys);
      expect(await mc.get(keys[round] as string)).toBe(keys[round]);
      for (const { outcome } of await Promise.all(given)) expect(['AbortError', 'ok']).toContain(outcome);
    }
    expect(mc.metrics().servers[0]).toMatchObject({ inFlight: 0, queueDepth: 0, reconnects: 0 });
  });

  it('two clients: the hung server of one is nothing to the other', async () => {
    const hung = await startMemcached();
    const [stuck, free] = [connect(hung, { binary, timeout: 1000 }), connect(server, { binary, timeout: 1000 })];
    await Promise.all([stuck.set('key', 1), free.set('key', 'free')]);
    hung.suspend();
    const waiting = Array.from({ length: 1000 }, (_, index) =>
      timed(index % 2 ? stuck.get('key') : stuck.set('key', 2)),
    );
    for (let round = 0; round < 50; ++round) {
      const { value, milliseconds } = await timed(free.get('key'));
      expect(value).toBe('free');
      expect(milliseconds).toBeLessThan(AT_ONCE);
    }
    const { TimeoutError = 0, ServerDown = 0 } = tally(await Promise.all(waiting));
    expect(TimeoutError + ServerDown).toBe(1000);
    hung.resume();
    await hung.stop();
  });

  describe('values that the pool compresses', () => {
    // Text: jest compares Buffers byte by byte.
    const large = (text: string): string => Buffer.alloc(200_000, `${text},`).toString();
    const options = { minCompressLen: 1000 };

    it('keep the order of their key, beside others', async () => {
      const mc = connect(server, { binary, timeout: 10_000 });
      for (let round = 0; round < 20; ++round) {
        const [key, other] = [uniqueKey(), uniqueKey()];
        const results = await Promise.all([
          mc.set(key, large('first'), options),
          mc.get(key),
          mc.set(other, 'small'),
          mc.append(key, 'not compressed'),
          mc.delete(key),
          mc.get(key),
          mc.set(key, large('second'), options),
          mc.set(key, large('third'), options),
          mc.getMulti([key, other]),
          mc.set(key, 'last'),
          mc.get(key),
          mc.get(other),
        ]);
        expect(results.slice(4)).toEqual([
          true,
          undefined,
          true,
          true,
          new Map<string, unknown>([
            [key, large('third')],
            [other, 'small'],
          ]),
          true,
          'last',
          'small',
        ]);
        expect(results[1]).toEqual(large('first'));
      }
    });

    it('nothing that is called after a flushAll is taken away by it, nothing before it stays', async () => {
      const own = await startMemcached();
      const mc = connect(own, { binary, timeout: 10_000 });
      const results = await Promise.all([
        mc.set('large', large('before'), options),
        mc.set('larger', randomBytes(450_000).toString('hex'), options),
        mc.set('small', 'before'),
        mc.flushAll(),
        mc.set('after', 'after'),
        mc.set('large-after', large('after'), options),
        mc.get('after'),
        mc.getMulti(['large', 'larger', 'small']),
        mc.flushAll(),
        mc.set('last', 1),
        mc.getMulti(['after', 'last', 'large-after']),
      ]);
      expect(results.slice(6)).toEqual(['after', new Map(), true, true, new Map([['last', 1]])]);
      expect(await mc.get('last')).toBe(1);
      await own.stop();
    });

    it('given up, or destroyed, while the pool has them', async () => {
      const mc = connect(server, { binary, timeout: 10_000 });
      const key = uniqueKey();
      for (let round = 0; round < 10; ++round) {
        const abort = new AbortController();
        const aborted = timed(mc.set(key, large('aborted'), { ...options, signal: abort.signal }));
        const behind = [mc.set(key, round), mc.incr(key), mc.get(key)];
        await new Promise((resolve) => setImmediate(resolve));
        abort.abort();
        expect((await aborted).outcome).toBe('AbortError');
        expect(await Promise.all(behind)).toEqual([true, round + 1, round + 1]);
      }
      const pending = [timed(mc.set(key, large('destroyed'), options)), timed(mc.get(key))];
      mc.destroy();
      expect(tally(await Promise.all(pending))).toEqual({ ClientClosed: 2 });
    });

    it('copies of them do not use up what may wait for a replica', async () => {
      const other = await startMemcached();
      const mc = connect([server, other], { binary, timeout: 10_000, behaviors: { num_replicas: 1 } });
      const key = uniqueKey();
      // 60 MB saved: more than the 32 MB that copies may hold.
      for (let round = 0; round < 300; ++round) await mc.set(key, large(String(round)), options);
      const single = [connect(server, { binary }), connect(other, { binary })];
      await mc.set(key, large('last'), options);
      await sleep(100);
      for (const each of single) expect(await each.get(key)).toEqual(large('last'));
      await other.stop();
    });
  });
});

describe('O5: binary answers that belong to another request', () => {
  type Lie = (request: FakeRequest, honest: Buffer) => Buffer;
  const ok = ({ opcode, opaque }: FakeRequest): Buffer =>
    frame({ opcode, opaque, ...(opcode === opcodes.incr ? { value: Buffer.from([0, 0, 0, 0, 0, 0, 0, 9]) } : {}) });
  const lies: [string, Lie][] = [
    ['twice', (_, honest) => Buffer.concat([honest, honest])],
    [
      'with the opcode of another',
      ({ opcode, opaque }) => frame({ opcode: opcode === opcodes.set ? opcodes.add : opcodes.set, opaque }),
    ],
    ['with the opaque of the next', ({ opcode, opaque }) => frame({ opcode, opaque: opaque + 1 })],
    ['with the opaque of the one before', ({ opcode, opaque }) => frame({ opcode, opaque: opaque - 1 })],
    ['with no opaque', ({ opcode }) => frame({ opcode, opaque: 0 })],
    ['as a request', ({ opcode, opaque }) => frame({ opcode, opaque, magic: 0x80 })],
    [
      'with a body that does not belong',
      ({ opcode, opaque }) => frame({ opcode, opaque, value: 'a body of some length' }),
    ],
    ['with a key of 4,000 bytes (O6)', ({ opcode, opaque }) => frame({ opcode, opaque, key: 'k'.repeat(4000) })],
    [
      'with a key of 60,000 bytes (O6)',
      ({ opcode, opaque }) => frame({ opcode, opaque, key: 'k'.repeat(60_000), extras: Buffer.alloc(4) }),
    ],
    ['with a key longer than its body (O6)', ({ opcode, opaque }) => frame({ opcode, opaque, keyLength: 60_000 })],
    [
      'refused, with a key of 4,000 bytes (O6)',
      ({ opcode, opaque }) => frame({ opcode, opaque, status: 5, key: 'k'.repeat(4000) }),
    ],
  ];
  const calls: [string, (mc: Client) => Promise<unknown>][] = [
    ['set', (mc) => mc.set('lie', 1)],
    ['delete', (mc) => mc.delete('lie')],
    ['touch', (mc) => mc.touch('lie', 1)],
    ['incr', (mc) => mc.incr('lie')],
  ];

  it.each(lies)('%s: the connection is dropped, nobody gets another’s answer', async (name, lie) => {
    for (const [, call] of calls) {
      const fake = await startFake((request) => (request.key === 'lie' ? lie(request, ok(request)) : undefined));
      const mc = connect(fake, { binary: true, timeout: 1000 });
      await mc.set('warm', 'value');
      const [lied, reading, ...writing] = await Promise.all([
        timed(call(mc)),
        timed(mc.get('warm')),
        timed(mc.delete('nothing')),
        timed(mc.set('behind', 1)),
        timed(mc.incr('counter')),
      ]);
      if (name === 'twice') expect(lied.outcome).toBe('ok');
      else expect(lied.error).toMatchObject({ name: 'UnknownReadFailure', outcomeUnknown: true });
      if (reading.outcome === 'ok') expect(reading.value).toBe('value');
      else expect([name, reading.error?.name]).toEqual(['twice', 'UnknownReadFailure']); // what comes twice meets the next
      const rights = [false, true, 1];
      for (const [index, { outcome, value, error }] of writing.entries()) {
        if (outcome === 'ok') expect(value).toBe(rights[index]);
        else expect(error).toMatchObject({ outcomeUnknown: true });
      }
      expect(await mc.set('later', 1)).toBe(true);
      expect(fake.accepted).toBe(2);
      await fake.stop();
    }
  });

  it('two answers swapped', async () => {
    let kept: Buffer | undefined;
    const fake = await startFake((request) => {
      if (request.key !== 'one' && request.key !== 'two') return undefined;
      const answer = frame({ ...request, key: '', value: '', status: request.key === 'one' ? 5 : 0 });
      if (kept === undefined) {
        kept = answer;
        return '';
      }
      const both = Buffer.concat([answer, kept]);
      kept = undefined;
      return both;
    });
    const mc = connect(fake, { binary: true, timeout: 1000 });
    const errors = await Promise.all([failure(mc.add('one', 1)), failure(mc.add('two', 1))]);
    for (const error of errors) expect(error).toMatchObject({ outcomeUnknown: true });
    await fake.stop();
  });

  it('a value of another key, or of one that has been answered', async () => {
    for (const keys of [['other'], ['lie', 'lie'], ['lie', 'warm']]) {
      const fake = await startFake(({ key, opcode, opaque }) =>
        key === 'lie' && opcode === opcodes.get
          ? Buffer.concat(
              keys.map((each) =>
                frame({ opcode, opaque, key: each, value: 'a lie', extras: Buffer.from([0, 0, 0, 16]) }),
              ),
            )
          : undefined,
      );
      const mc = connect(fake, { binary: true, timeout: 1000 });
      await mc.set('warm', 'value');
      const results = [timed(mc.get('lie')), timed(mc.set('behind', 1))];
      await Promise.all(results);
      expect(await mc.get('warm')).toBe('value');
      expect(fake.accepted).toBeGreaterThan(1);
      await fake.stop();
    }
  });
});

it.each(protocols)('an answer that nobody asked for ends the connection, binary: %s', async (binary) => {
  const sockets = new Set<Socket>();
  const fake = await startFake((_request, socket) => {
    sockets.add(socket);
    return undefined;
  });
  const mc = connect(fake, { binary, timeout: 1000 });
  await mc.set('key', 'value');
  for (const socket of sockets)
    socket.setNoDelay(true).write(binary ? frame({ opcode: opcodes.set, opaque: 2 }) : 'STORED\r\n');
  await sleep(100);
  expect(await mc.delete('nothing')).toBe(false);
  expect(await mc.get('key')).toBe('value');
  expect(fake.accepted).toBe(2);
  await fake.stop();
});

it.each(protocols)(
  'pieces of answers, cut anywhere among thousands, binary: %s: each its own or none',
  async (binary) => {
    const proxy = await startFaultProxy(server);
    const mc = connect(proxy, { binary, timeout: 5000 });
    const keys = Array.from({ length: 300 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, `${key}:${'x'.repeat(300)}`] as const));
    for (let round = 0; round < 30; ++round) {
      proxy.set('answers', { cutAfter: 100 + round * 977 });
      const results = await Promise.all(
        keys.flatMap((key) => [timed(mc.get(key)), timed(mc.getMulti([key, keys[0] as string]))]),
      );
      for (const [index, { value, outcome }] of results.entries()) {
        if (outcome !== 'ok') continue;
        const key = keys[Math.floor(index / 2)] as string;
        const found = index % 2 === 0 ? value : (value as Map<string, unknown>).get(key);
        expect(found).toBe(`${key}:${'x'.repeat(300)}`);
      }
    }
    proxy.heal();
    expect(await mc.get(keys[0] as string)).toContain(keys[0]);
    await proxy.stop();
  },
);
