// What a caller is told became of a write, as the field reports it (rows O1, O3, O4).
// Nonsense of every kind in processes of its own: test/integration/nonsense.test.ts, test/hostile.

import type { Client } from '../../lib/index';
import { startFaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startNutcracker } from '../support/twemproxy';
import { startMemcached, stopAll } from '../support/memcached-servers';
import { failure, protocols, sleep, stored, timed, until, useClients } from '../support/failover-clusters';
import { frame, opcodes, startFake } from '../support/fake-memcached';

const connect = useClients();
afterAll(stopAll);

type Call = (mc: Client, key: string) => Promise<unknown>;
const writes: [string, Call, number][] = [
  ['set', (mc, key) => mc.set(key, 1), opcodes.set],
  ['add', (mc, key) => mc.add(key, 1), opcodes.add],
  ['replace', (mc, key) => mc.replace(key, 1), opcodes.replace],
  ['cas', (mc, key) => mc.cas(key, 1, 5n), opcodes.replace],
  ['append', (mc, key) => mc.append(key, 'x'), opcodes.append],
  ['incr', (mc, key) => mc.incr(key), opcodes.incr],
  ['delete', (mc, key) => mc.delete(key), opcodes.delete],
  ['touch', (mc, key) => mc.touch(key, 1), opcodes.touch],
];
const statuses = [0x04, 0x06, 0x07, 0x20, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86];

describe('O1: in binary, one write that is refused among others rejects alone', () => {
  it.each(writes)('%s, with every status', async (_name, call) => {
    for (const status of statuses) {
      const fake = await startFake(({ opcode, opaque, key }) =>
        key === 'refused' ? frame({ opcode, opaque, status, value: 'No' }) : undefined,
      );
      const mc = connect(fake, { binary: true, timeout: 2000 });
      const [before, refused, ...behind] = await Promise.allSettled([
        mc.set('before', 'value'),
        call(mc, 'refused'),
        mc.set('behind', 1),
        mc.get('before'),
        mc.incr('counter'),
        mc.delete('nothing'),
        mc.getMulti(['before', 'nothing']),
        call(mc, 'other'),
      ]);
      expect(before).toEqual({ status: 'fulfilled', value: true });
      expect(refused).toMatchObject({ status: 'rejected', reason: { outcomeUnknown: false } });
      expect(behind.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
        true,
        Buffer.from('value').toString(),
        1,
        false,
        new Map([['before', 'value']]),
        expect.anything(),
      ]);
      expect(behind.at(-1)).toMatchObject({ status: 'fulfilled' });
      expect(mc.metrics().servers[0]).toMatchObject({ state: 'up', reconnects: 0, inFlight: 0 });
      expect(fake.accepted).toBe(1);
      await fake.stop();
    }
  });

  it.each([
    [0x06, 'ClientError'],
    [0x81, 'UnknownReadFailure'],
    [0x83, 'UnknownReadFailure'],
  ])('a counter that is refused with status %d is a %s', async (status, name) => {
    const fake = await startFake(({ opcode, opaque, key }) =>
      key === 'refused' ? frame({ opcode, opaque, status, value: 'No' }) : undefined,
    );
    const error = await failure(connect(fake, { binary: true, timeout: 2000 }).incr('refused'));
    expect([error.name, error.message]).toEqual([name, expect.stringContaining('refused')]);
    if (status !== 0x06) expect(error.message).not.toContain('not a number');
    await fake.stop();
  });

  it.each(protocols)('a real server: too large, no number, there already; binary: %s', async (binary) => {
    const server = await startMemcached();
    const mc = connect(server, { binary });
    await mc.set('word', 'no number');
    for (let round = 0; round < 3; ++round) {
      const keys = Array.from({ length: 50 }, () => uniqueKey());
      const calls = keys.map((key) => mc.set(key, key));
      const refused = [
        mc.set('large', Buffer.alloc(2 ** 20 + 1)),
        mc.incr('word'),
        mc.incr(uniqueKey()),
        mc.append('word', Buffer.alloc(2 ** 20)),
      ].map((promise) => timed<unknown>(promise));
      const behind = keys.flatMap((key) => [mc.get(key), mc.incr(`${key}:n`, 2, { initial: 5 })]);
      expect((await Promise.all(refused)).map(({ outcome, error }) => [outcome, error?.outcomeUnknown])).toEqual([
        ['TooBig', false],
        ['ClientError', false],
        ['NotFound', false],
        [expect.stringMatching(/^(TooBig|AllocationError|ServerError)$/), expect.any(Boolean)],
      ]);
      expect(await Promise.all(calls)).toEqual(keys.map(() => true));
      expect(await Promise.all(behind)).toEqual(keys.flatMap((key) => [key, 5]));
    }
    expect(mc.metrics().servers[0]).toMatchObject({ state: 'up', inFlight: 0, queueDepth: 0 });
    await server.stop();
  });
});

describe('O3: what a proxy says of a write may come after the write', () => {
  it('twemproxy whose backend hangs', async () => {
    const server = await startMemcached();
    const proxy = await startNutcracker([server]);
    const mc = connect(proxy, { binary: false, timeout: 6000 });
    const key = uniqueKey();
    await mc.set('warm', 1);
    server.suspend();
    const [writing, counting, reading] = [timed(mc.set(key, 'later')), timed(mc.incr('warm')), timed(mc.get('warm'))];
    const results = await Promise.all([writing, counting, reading]);
    expect(results.map(({ error }) => [error?.name, error?.outcomeUnknown])).toEqual([
      ['ServerError', true],
      ['ServerError', true],
      ['ServerError', false],
    ]);
    server.resume();
    await until(async () => (await stored(server, key)) !== undefined); // indeed
    expect(await mc.get(key)).toBe('later');
    await proxy.stop();
    await server.stop();
  });

  it.each<[said: string, name: string, outcomeUnknown: boolean]>([
    ['SERVER_ERROR out of memory storing object', 'AllocationError', false],
    ['SERVER_ERROR object too large for cache', 'TooBig', false],
    ['SERVER_ERROR Connection timed out', 'ServerError', true],
    ['SERVER_ERROR Connection reset by peer', 'ServerError', true],
    ['SERVER_ERROR', 'ServerError', true],
    ['CLIENT_ERROR bad data chunk', 'ClientError', false],
    ['ERROR', 'ProtocolError', false],
  ])('%s', async (said, name, outcomeUnknown) => {
    const fake = await startFake(({ key }) => (key === 'refused' ? `${said}\r\n` : undefined));
    const mc = connect(fake, { binary: false });
    for (const [, call, opcode] of writes) {
      const error = await failure(call(mc, 'refused'));
      const isAllocation = name === 'AllocationError';
      expect({ opcode, name: isAllocation ? name : error.name, unknown: error.outcomeUnknown }).toEqual({
        opcode,
        name,
        unknown: outcomeUnknown,
      });
    }
    expect(await failure(mc.get('refused'))).toMatchObject({ outcomeUnknown: false });
    expect(await mc.set('other', 1)).toBe(true);
    await fake.stop();
  });
});

describe('O4: nonsense where a status is expected', () => {
  const nonsense = ['HTTP/1.1 400 Bad Request', '5', 'END', 'VERSION 1.6.18', 'STAT a b', 'STOREDx', 'nothing', ''];
  const expected: Record<string, RegExp> = {
    set: /expected STORED/,
    incr: /expected a number/,
    delete: /expected DELETED/,
    touch: /expected TOUCHED/,
  };

  it.each(writes.filter(([name]) => name in expected))('%s, in text', async (name, call) => {
    for (const line of nonsense) {
      if (name === 'incr' && line === '5') continue;
      const fake = await startFake(({ key }) => (key === 'odd' ? `${line}\r\n` : undefined));
      const mc = connect(fake, { binary: false, timeout: 1000 });
      await mc.set('warm', 1);
      const [odd, reading, writing] = await Promise.all([
        timed(call(mc, 'odd')),
        timed(mc.get('warm')),
        timed(mc.set('behind', 1)),
      ]);
      expect(odd.error).toMatchObject({ name: 'UnknownReadFailure', outcomeUnknown: true });
      expect(odd.error?.message).toMatch(expected[name] as RegExp);
      // What was behind it can be trusted no longer: a read is asked again, of a write nobody knows.
      expect(reading).toMatchObject({ outcome: 'ok', value: expect.anything() });
      if (writing.error) expect(writing.error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
      expect(await mc.set('later', 1)).toBe(true);
      expect(fake.accepted).toBe(2);
      expect(mc.metrics().servers[0]).toMatchObject({ state: 'up' });
      await fake.stop();
    }
  });

  it.each(writes)('%s, in binary', async (_name, call) => {
    for (const bytes of [
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
      'STORED\r\n'.repeat(8),
      '\0'.repeat(48),
    ]) {
      const fake = await startFake(({ key }) => (key === 'odd' ? bytes : undefined));
      const mc = connect(fake, { binary: true, timeout: 1000 });
      const error = await failure(call(mc, 'odd'));
      expect(error).toMatchObject({ name: 'UnknownReadFailure', outcomeUnknown: true });
      expect(error.message).toContain('expected');
      expect(await mc.set('later', 1)).toBe(true);
      await fake.stop();
    }
  });

  it('a read of nonsense is definite, and says what was expected', async () => {
    for (const line of nonsense.filter((each) => each !== 'END')) {
      const fake = await startFake(({ key }) => (key === 'odd' ? `${line}\r\n` : undefined));
      const mc = connect(fake, { binary: false, timeout: 1000 });
      const error = await failure(mc.get('odd'));
      expect(error).toMatchObject({ name: 'UnknownReadFailure', outcomeUnknown: false });
      expect(error.message).toMatch(/expected VALUE or END/);
      await fake.stop();
    }
  });
});

it.each(protocols)(
  'a connection cut in the middle of its answers, binary: %s: what was answered stays so',
  async (binary) => {
    const server = await startMemcached();
    const proxy = await startFaultProxy(server);
    const mc = connect(proxy, { binary, timeout: 3000 });
    const answer = binary ? 24 : 'STORED\r\n'.length;
    for (let round = 0; round < 10; ++round) {
      await mc.set('warm', round);
      await sleep(10);
      proxy.set('answers', { cutAfter: answer * (round + 1) + 3 });
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, index) => timed(mc.set(`cut-${String(index)}`, round))),
      );
      // In the order of the calls: some are stored, of the rest nobody knows.
      const first = results.findIndex(({ outcome }) => outcome !== 'ok');
      expect(first).toBe(round + 1);
      for (const { error } of results.slice(first))
        expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
      proxy.set('answers', { cutAfter: Infinity });
    }
    await proxy.stop();
    await server.stop();
  },
);
