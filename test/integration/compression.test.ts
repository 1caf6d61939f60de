import { deflateSync, inflateSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { codecs } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached } from '../support/memcached-servers';
import { failure, inEveryProtocol, store, stored, useClients } from '../support/clients';

const zlib = 8;
const text = 'compressible '.repeat(100);

inEveryProtocol(({ connect, server }) => {
  const storedAs = async (key: string): Promise<{ bytes: Buffer; flags: number }> => {
    const found = await stored(server(), key);
    return { bytes: Buffer.from(found?.bytes ?? '', 'latin1'), flags: found?.flags ?? -1 };
  };

  it('never compresses unless asked', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, text);
    expect(await storedAs(key)).toEqual({ bytes: Buffer.from(text), flags: 16 });
    await mc.set(key, text, { minCompressLen: 0, compressLevel: 9 });
    expect(await storedAs(key)).toEqual({ bytes: Buffer.from(text), flags: 16 });
  });

  it.each<[string, unknown, number, Buffer]>([
    ['text', text, 16, Buffer.from(text)],
    ['bytes', Buffer.from(text), 0, Buffer.from(text)],
    ['JSON', [text], 16 + 256, Buffer.from(JSON.stringify([text]))],
    ['a bigint', 10n ** 500n, 4 + 1024, Buffer.from(String(10n ** 500n))],
    ['a large value', 'abc'.repeat(300_000), 16, Buffer.from('abc'.repeat(300_000))],
  ])("stores zlib's format with its flag: %s", async (_name, value, flags, plain) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, value, { minCompressLen: 100 });
    const found = await storedAs(key);
    expect(found.flags).toBe(flags + zlib);
    expect(found.bytes.subarray(0, 2)).toEqual(Buffer.from('x\x9c', 'latin1'));
    expect(found.bytes.length).toBeLessThan(plain.length);
    expect(inflateSync(found.bytes).equals(plain)).toBe(true);
    expect(await mc.get(key)).toEqual(value);
    expect(await mc.getMulti([key])).toEqual(new Map([[key, value]]));
    expect((await mc.gets(key))[0]).toEqual(value);
  });

  it('compresses from minCompressLen bytes on', async () => {
    const mc = connect();
    const key = uniqueKey();
    const value = 'ü'.repeat(500);
    for (const [minCompressLen, isCompressed] of [
      [1, true],
      [1000, true],
      [1001, false],
      [2 ** 32 - 1, false],
    ] as const) {
      await mc.set(key, value, { minCompressLen });
      expect((await storedAs(key)).flags).toBe(16 + (isCompressed ? zlib : 0));
    }
  });

  it('keeps the compressed value only if it is smaller', async () => {
    const mc = connect();
    const key = uniqueKey();
    const noise = randomBytes(2000);
    await mc.set(key, noise, { minCompressLen: 1 });
    expect(await storedAs(key)).toEqual({ bytes: noise, flags: 0 });
    await mc.set(key, '', { minCompressLen: 1 });
    expect(await storedAs(key)).toEqual({ bytes: Buffer.alloc(0), flags: 16 });
    await mc.set(key, 'a', { minCompressLen: 1 });
    expect(await storedAs(key)).toEqual({ bytes: Buffer.from('a'), flags: 16 });
  });

  it.each([
    [0, undefined],
    [1, '7801'],
    [6, '789c'],
    [9, '78da'],
    [-1, '789c'],
  ])('takes the level %d', async (compressLevel, head) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, text, { minCompressLen: 1, compressLevel });
    const found = await storedAs(key);
    if (head === undefined) expect(found).toEqual({ bytes: Buffer.from(text), flags: 16 });
    else expect([found.flags, found.bytes.toString('hex', 0, 2)]).toEqual([16 + zlib, head]);
    expect(await mc.get(key)).toBe(text);
  });

  it('works for every kind of store', async () => {
    const mc = connect();
    const key = uniqueKey();
    const options = { minCompressLen: 100 };
    await mc.add(key, text, options);
    expect((await storedAs(key)).flags).toBe(16 + zlib);
    await mc.set(key, 'small', options);
    await mc.replace(key, text, options);
    expect((await storedAs(key)).flags).toBe(16 + zlib);
    const [, token] = await mc.gets(key);
    await mc.cas(key, Buffer.from(text), token as bigint, options);
    expect((await storedAs(key)).flags).toBe(zlib);
    expect(await mc.get(key)).toEqual(Buffer.from(text));
  });

  it('never compresses what is appended', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'a');
    await mc.append(key, text);
    expect(await storedAs(key)).toEqual({ bytes: Buffer.from(`a${text}`), flags: 16 });
  });

  it('reads what others compressed, at any size', async () => {
    const mc = connect();
    const key = uniqueKey();
    for (const length of [0, 1, 100_000, 5_000_000]) {
      await store(server(), key, deflateSync(Buffer.alloc(length, 'a')), 16 + zlib);
      expect(((await mc.get(key)) as string).length).toBe(length);
    }
  });

  const packed = deflateSync(Buffer.from(text));
  it.each([
    ['garbage', Buffer.from('this is not zlib')],
    ['nothing', Buffer.alloc(0)],
    ['cut off', packed.subarray(0, packed.length - 10)],
    ['a wrong checksum', flipLastBit(packed)],
  ])('rejects corrupted values, with data and flags: %s', async (_name, data) => {
    const mc = connect();
    const [key, good] = [uniqueKey(), uniqueKey()];
    await store(server(), key, data, 16 + zlib);
    await mc.set(good, 'good');
    const expected = { name: 'DeserializationError', data, flags: 16 + zlib, key };
    expect(await failure(mc.get(key))).toMatchObject(expected);
    expect(await failure(mc.gets(key))).toMatchObject(expected);
    expect(await failure(mc.getMulti([good, key]))).toMatchObject({
      ...expected,
      values: new Map([[good, 'good']]),
      failedKeys: [key],
    });
    expect(await mc.get(good)).toBe('good');
  });

  it('reads no more than maxInflated bytes of a value', async () => {
    const mc = connect({ maxInflated: 100_000 });
    const [key, good] = [uniqueKey(), uniqueKey()];
    await store(server(), key, deflateSync(Buffer.alloc(100_000, 'a')), 16 + zlib);
    expect(((await mc.get(key)) as string).length).toBe(100_000);
    const data = deflateSync(Buffer.alloc(100_001, 'a'));
    await store(server(), key, data, 16 + zlib);
    await mc.set(good, 'good');
    const expected = { name: 'DeserializationError', data, flags: 16 + zlib, key };
    const error = await failure(mc.get(key));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain('100000 bytes (maxInflated)');
    expect(await failure(mc.gets(key))).toMatchObject(expected);
    expect(await failure(mc.getMulti([good, key]))).toMatchObject({ ...expected, failedKeys: [key] });
    expect(await mc.has(key)).toBe(true);
    // Of what is written the length is the caller's own affair.
    await mc.set(key, 'b'.repeat(200_000), { minCompressLen: 1 });
    expect((await failure(mc.get(key))).name).toBe('DeserializationError');
    expect(((await connect().get(key)) as string).length).toBe(200_000);
  });

  it('is left alone by the raw codec', async () => {
    const mc = connect({ codec: codecs.raw });
    const key = uniqueKey();
    await store(server(), key, packed, 16 + zlib);
    expect(await mc.get(key)).toEqual({ data: packed, flags: 16 + zlib });
    await store(server(), key, 'no zlib', zlib);
    expect(await mc.get(key)).toEqual({ data: Buffer.from('no zlib'), flags: zlib });
  });
});

describe('the default limit', () => {
  const connect = useClients();

  it('is 64 MiB: a bomb is not set off', async () => {
    const server = await startMemcached();
    const mc = connect(server, { timeout: 20_000 });
    const key = uniqueKey();
    const limit = 64 * 2 ** 20;
    await store(server, key, deflateSync(Buffer.alloc(limit + 1)), zlib);
    expect((await failure(mc.get(key))).name).toBe('DeserializationError');
    await store(server, key, deflateSync(Buffer.alloc(limit)), zlib);
    expect(((await mc.get(key)) as Buffer).length).toBe(limit);
    await server.stop();
  });
});

function flipLastBit(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
  return changed;
}
