// What a writer has stored decides neither about the time nor about the memory of those who read it (row V7).

import { deflateSync, gzipSync } from 'node:zlib';
import { Client, codecs } from '../../lib/index';
import { failure, inEveryProtocol, store } from '../support/clients';
import { startMemcached } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const flags = { integer: 2, long: 4, zlib: 8, bigint: 1 << 10 };

/** So many that reading all of them stands out from what a process's memory grows and shrinks by anyway. */
const zeros = Buffer.alloc(512 * 2 ** 20);
const bombs = { zlib: deflateSync(zeros), gzip: gzipSync(zeros) };

describe('integers of many digits', () => {
  const read = (digits: string, flag: number): unknown => codecs.pylibmc.deserialize(Buffer.from(digits), flag);

  it.each([
    ['long', flags.long],
    ['integer', flags.integer],
    ['bigint', flags.long + flags.bigint],
  ])('%s: as many as Python reads', (_name, flag) => {
    expect(read('9'.repeat(4300), flag)).toBe(10n ** 4300n - 1n);
    expect(read(`-${'9'.repeat(4300)}`, flag)).toBe(1n - 10n ** 4300n);
    expect(read(`${'9'.repeat(4300)}   `, flag)).toBe(10n ** 4300n - 1n);
    for (const digits of ['9'.repeat(4301), '1'.repeat(20_000), '0'.repeat(1_000_000), `-${'1'.repeat(5000)}`])
      expect(() => read(digits, flag)).toThrow(/4300 digits/);
  });

  it('what cannot be read is not written', () => {
    for (const codec of [codecs.pylibmc, codecs.structured]) {
      expect(codec.serialize(10n ** 4300n - 1n)[0]).toHaveLength(4300);
      expect(() => codec.serialize(10n ** 4300n)).toThrow(RangeError);
      expect(() => codec.serialize(-(10n ** 4300n))).toThrow(RangeError);
    }
  });

  it('the php codec has its own limit', () => {
    const long = 1;
    expect(() => codecs.php.deserialize(Buffer.from('1'.repeat(20_000)), long)).toThrow(/4300 digits/);
    expect(() => codecs.php.deserialize(Buffer.from(`i:${'1'.repeat(20_000)};`), 4)).toThrow(/broken/);
  });
});

inEveryProtocol(({ server, connect, protocol }) => {
  it('an error for the reader of many digits, and for nobody else', async () => {
    const mc = connect();
    const [bad, good] = [uniqueKey(), uniqueKey()];
    await store(server(), bad, '1'.repeat(20_000), flags.long);
    await mc.set(good, 'good');
    const [error, value] = await Promise.all([failure(mc.get(bad)), mc.get(good)]);
    expect(error).toMatchObject({ name: 'DeserializationError', flags: flags.long, outcomeUnknown: false });
    expect(value).toBe('good');
    expect(await failure(mc.getMulti([bad, good]))).toMatchObject({
      failedKeys: [bad],
      values: new Map([[good, 'good']]),
    });
  });

  it.each<[string, string | undefined, Buffer, Buffer, number]>([
    ['the default codec', undefined, bombs.zlib, deflateSync(zeros.subarray(0, 999)), flags.zlib],
    ['dalli, zlib', 'dalli', bombs.zlib, deflateSync(zeros.subarray(0, 999)), 2],
    ['dalli, gzip', 'dalli', bombs.gzip, gzipSync(zeros.subarray(0, 999)), 2],
    [
      'php',
      'php',
      Buffer.concat([lengthOf(zeros), bombs.zlib]),
      Buffer.concat([lengthOf(zeros.subarray(0, 999)), deflateSync(zeros.subarray(0, 999))]),
      0x30,
    ],
  ])('values that inflate to more than maxInflated: %s', async (_name, codec, large, small, flag) => {
    const options = codec === undefined ? {} : { codec: codec as 'php' };
    const [mc, strict] = [connect(options), connect({ ...options, maxInflated: 998 })];
    const key = uniqueKey();
    await store(server(), key, large, flag);
    const before = process.memoryUsage().rss;
    expect(await failure(mc.get(key))).toMatchObject({
      name: 'DeserializationError',
      message: expect.stringMatching(/67108864/),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(zeros.length * 0.6);
    await store(server(), key, small, flag);
    expect(String(await mc.get(key))).toHaveLength(999);
    expect(await failure(strict.get(key))).toMatchObject({ name: 'DeserializationError' });
  });

  it('claims of a length that cannot be true', async () => {
    const mc = connect({ codec: 'php' });
    const key = uniqueKey();
    for (const claimed of [0xffffffff, 2 ** 26, 1001, 999]) {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(claimed);
      await store(server(), key, Buffer.concat([head, deflateSync(Buffer.alloc(1000))]), 0x30);
      expect(await failure(mc.get(key))).toMatchObject({ name: 'DeserializationError' });
    }
  });

  it('names that are stored are quoted, and cut short', async () => {
    const long = `\u001b[31m${'x'.repeat(100_000)}`;
    const php = connect({ codec: 'php' });
    const key = uniqueKey();
    await store(server(), key, `O:${Buffer.byteLength(long)}:"${long}":0:{}`, 4);
    const { message } = await failure(php.get(key));
    expect(message.length).toBeLessThan(400);
    expect(message).toContain('\\u001b[31mxxx');
    const dalli = connect({ codec: 'dalli' });
    await store(server(), key, Buffer.from('\x04\x08o:\x0a\x1b[31mA', 'latin1'), 1);
    expect((await failure(dalli.get(key))).message).toContain('"\\u001b[31m');
  });

  it('deep ones of every format end in an error or a value', async () => {
    const key = uniqueKey();
    const deep: [string, string, number][] = [
      ['pylibmc', '['.repeat(50_000) + ']'.repeat(50_000), 16 + 256],
      ['php', 'a:1:{i:0;'.repeat(50_000), 4],
      ['dalli', `\x04\x08${'[\x06'.repeat(50_000)}`, 1],
      ['memcached', '['.repeat(50_000) + ']'.repeat(50_000), 2],
    ];
    for (const [codec, bytes, flag] of deep) {
      const mc = connect({ codec: codec as 'php' });
      await store(server(), key, Buffer.from(bytes, 'latin1'), flag);
      const outcome = await mc.get(key).then(
        () => 'a value',
        (error: unknown) => (error as Error).name,
      );
      expect(outcome).toMatch(/^(a value|DeserializationError)$/);
      expect(await mc.set(key, protocol ? 'binary' : 'text')).toBe(true);
    }
  });
});

function lengthOf(bytes: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return head;
}

it('what node:v8 wrote is not read unasked', async () => {
  const server = await startMemcached();
  const mc = new Client(server.address);
  await new Client(server.address, { codec: 'structured' }).set('key', new Map([[1, 2]]));
  expect(await failure(mc.get('key'))).toMatchObject({ name: 'DeserializationError', flags: 1 << 12 });
  mc.destroy();
  await server.stop();
});
