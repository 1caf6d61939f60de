import type { Key } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { everywhere, failure, protocols, store, useClients, useServers } from '../support/clients';

everywhere(({ connect, server }) => {
  describe('getMulti', () => {
    it('gives an empty map for no keys', async () => {
      expect(await connect().getMulti([])).toEqual(new Map());
    });

    it('leaves misses out, and keeps null', async () => {
      const mc = connect();
      const [there, nothing, gone] = [uniqueKey(), uniqueKey(), uniqueKey()];
      await mc.set(there, 1);
      await mc.set(nothing, null);
      const found = await mc.getMulti([gone, there, nothing]);
      expect([...found]).toEqual([
        [there, 1],
        [nothing, null],
      ]);
      expect(found.has(gone)).toBe(false);
    });

    it('has 1,000 keys in the order in which they were asked for', async () => {
      const mc = connect();
      const prefix = uniqueKey();
      const keys = Array.from({ length: 1000 }, (_, index) => `${prefix}-${(index * 7919) % 1000}`);
      expect(await mc.setMulti(keys.map((key, index) => [key, index] as const))).toEqual([]);
      expect([...(await mc.getMulti(keys))]).toEqual(keys.map((key, index) => [key, index]));
    });

    it('gives Buffer keys back as the Buffers they were', async () => {
      const mc = connect();
      const [a, b] = [Buffer.from(uniqueKey()), new Uint8Array(Buffer.from(uniqueKey()))];
      await mc.set(a, 'a');
      await mc.set(b, 'b');
      const found = await mc.getMulti([a, b]);
      expect(found.size).toBe(2);
      expect([found.get(a), found.get(b)]).toEqual(['a', 'b']);
      expect([...found.keys()][0]).toBe(a);
      expect([...found.keys()][1]).toBe(b);
    });

    it('asks once for duplicates', async () => {
      const mc = connect();
      const [key, other] = [uniqueKey(), uniqueKey()];
      await mc.setMulti({ [key]: 1, [other]: 2 });
      const found = await mc.getMulti([key, other, key, key]);
      expect([...found]).toEqual([
        [key, 1],
        [other, 2],
      ]);
    });

    it('tells the same key as a string and as bytes apart in the map', async () => {
      const mc = connect();
      const key = uniqueKey();
      const bytes = Buffer.from(key);
      await mc.set(key, 'value');
      const found = await mc.getMulti([key, bytes]);
      expect([found.size, found.get(key), found.get(bytes)]).toEqual([2, 'value', 'value']);
    });

    it.each([
      ['a string', (prefix: string): Key => prefix],
      ['a Buffer', (prefix: string): Key => Buffer.from(prefix)],
    ])('puts keyPrefix before each key: %s', async (_name, make) => {
      const mc = connect();
      const prefix = uniqueKey('prefix-');
      const bytes = Buffer.from('b');
      await mc.set(`${prefix}a`, 1);
      await mc.set(`${prefix}b`, 2);
      const found = await mc.getMulti(['a', bytes, 'none'], { keyPrefix: make(prefix) });
      expect([...found]).toEqual([
        ['a', 1],
        [bytes, 2],
      ]);
    });

    it('takes any iterable of keys', async () => {
      const mc = connect();
      const [a, b] = [uniqueKey(), uniqueKey()];
      await mc.setMulti({ [a]: 1, [b]: 2 });
      const expected = new Map([
        [a, 1],
        [b, 2],
      ]);
      function* generated(): Generator<string> {
        yield a;
        yield b;
      }
      expect(await mc.getMulti(new Set([a, b]))).toEqual(expected);
      expect(await mc.getMulti(generated())).toEqual(expected);
      expect(await mc.getMulti(new Map(expected).keys())).toEqual(expected);
    });

    it('reads values of every kind and size', async () => {
      const mc = connect();
      const values = [
        'text',
        1,
        2n ** 70n,
        true,
        null,
        [1, { a: 'b' }],
        Buffer.from('bytes'),
        '',
        'x'.repeat(100_000),
        1.5,
      ];
      const keys = values.map(() => uniqueKey());
      await mc.setMulti(new Map(keys.map((key, index) => [key, values[index]])));
      const found = await mc.getMulti(keys);
      expect([...found.values()]).toEqual(values);
    });

    it('rejects for a value that cannot be read, with what was read', async () => {
      const mc = connect();
      const [good, pickled, miss] = [uniqueKey(), uniqueKey(), uniqueKey()];
      await mc.set(good, 'value');
      await store(server(), pickled, '\x80\x05N.', 1);
      const error = await failure(mc.getMulti([good, pickled, miss]));
      expect(error).toMatchObject({
        name: 'DeserializationError',
        code: 'ERR_MEMCACHED_DESERIALIZATION',
        key: pickled,
        values: new Map([[good, 'value']]),
        failedKeys: [pickled],
      });
    });
  });

  describe('getsMulti', () => {
    it('resolves to values and tokens', async () => {
      const mc = connect();
      const [a, b, miss] = [uniqueKey(), uniqueKey(), uniqueKey()];
      await mc.setMulti({ [a]: 'A', [b]: null });
      const found = await mc.getsMulti<string | null>([a, miss, b]);
      expect([...found]).toEqual([
        [a, await mc.gets(a)],
        [b, await mc.gets(b)],
      ]);
      expect(found.get(a)).toEqual(['A', expect.any(BigInt)]);
      expect(await mc.cas(a, 'new', found.get(a)?.[1] as bigint)).toBe(true);
    });

    it('takes keyPrefix, and no keys', async () => {
      const mc = connect();
      const prefix = uniqueKey('prefix-');
      await mc.set(`${prefix}a`, 1);
      expect(await mc.getsMulti(['a'], { keyPrefix: prefix })).toEqual(new Map([['a', [1, expect.any(BigInt)]]]));
      expect(await mc.getsMulti([])).toEqual(new Map());
    });
  });
});

describe('several servers', () => {
  const connect = useClients();
  const servers = useServers(3);

  it.each(protocols)('give one map of 1,000 keys, in order (binary: %s)', async (binary) => {
    const mc = connect(servers(), { binary });
    const keys = Array.from({ length: 1000 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, `value of ${key}`] as const));
    expect(new Set(keys.map((key) => mc.serverFor(key))).size).toBe(3);
    expect([...(await mc.getMulti(keys))]).toEqual(keys.map((key) => [key, `value of ${key}`]));
  });

  it.each(protocols)('one of which is gone: rejects with what was read (binary: %s)', async (binary) => {
    const mc = connect(servers(), { binary });
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, key] as const));
    const dead = servers()[1];
    await dead?.kill();
    try {
      const isDead = (key: string): boolean => mc.serverFor(key) === dead?.address;
      const error = await failure(mc.getMulti(keys));
      expect(error.failedKeys).toEqual(keys.filter(isDead));
      expect(error.values).toEqual(new Map(keys.filter((key) => !isDead(key)).map((key) => [key, key])));
      expect(error).toMatchObject({ server: dead?.address, operation: 'get' });
    } finally {
      await dead?.restart();
    }
  });
});
