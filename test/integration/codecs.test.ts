import { CacheMiss, Client, codecs, type ClientOptions, type Codec } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { failure, inEveryProtocol, store, stored } from '../support/clients';

/** Marks what it has seen, so that every path shows whether it was asked. */
const marking: Codec = {
  name: 'marking',
  serialize: (value) => [`<${JSON.stringify(value)}>`, 4242],
  deserialize: (data, flags) => [data.toString(), flags],
};

class SkewedClient extends Client {
  override serialize(value: unknown): readonly [Uint8Array | string, number] {
    if (value === 'default') return super.serialize(value);
    return [Buffer.from(`v2:${String(value)}`), 99];
  }

  override deserialize(data: Uint8Array, flags: number): unknown {
    if (flags !== 99) return super.deserialize(data, flags);
    const text = Buffer.from(data).toString();
    if (!text.startsWith('v2:')) throw new CacheMiss('another version');
    return text.slice(3);
  }
}

inEveryProtocol(({ connect, server, protocol }) => {
  const subclassed: SkewedClient[] = [];
  const skewed = (options?: ClientOptions): SkewedClient => {
    const client = new SkewedClient(server().address, { binary: protocol, ...options });
    subclassed.push(client);
    return client;
  };
  afterEach(() => Promise.all(subclassed.splice(0).map((client) => client.close())));

  describe('a codec of your own', () => {
    it('says what is stored and what is read, everywhere', async () => {
      const mc = connect({ codec: marking });
      const [a, b] = [uniqueKey(), uniqueKey()];
      await mc.set(a, 'ü');
      expect(await stored(server(), a)).toEqual({ bytes: Buffer.from('<"ü">').toString('latin1'), flags: 4242 });
      expect(await mc.get(a)).toEqual(['<"ü">', 4242]);
      expect((await mc.gets(a))[0]).toEqual(['<"ü">', 4242]);
      await mc.setMulti({ [b]: 2 });
      expect(await mc.getMulti([b])).toEqual(new Map([[b, ['<2>', 4242]]]));
      await mc.replace(b, undefined);
      expect(await mc.get(b)).toEqual(['<undefined>', 4242]);
      expect(await mc.add(uniqueKey(), null)).toBe(true);
    });

    it('may use all 32 bits of flags', async () => {
      const mc = connect({
        codec: { zlib: false, serialize: () => ['', 2 ** 32 - 1], deserialize: (_data, flags) => flags },
      });
      const key = uniqueKey();
      await mc.set(key, 1);
      expect(await mc.get(key)).toBe(2 ** 32 - 1);
    });

    it('owns the bytes it is given', async () => {
      const mc = connect({ codec: codecs.raw });
      const keys = Array.from({ length: 50 }, () => uniqueKey());
      await Promise.all(keys.map((key) => mc.set(key, key)));
      const read = await mc.getMulti<{ data: Buffer }>(keys);
      await mc.setMulti(keys.map((key) => [key, 'x'.repeat(key.length)] as const));
      await mc.getMulti(keys);
      expect([...read.values()].map(({ data }) => data.toString())).toEqual(keys);
    });

    it('may throw: serialize, and nothing is sent', async () => {
      const cause = new Error('not this value');
      const mc = connect({
        codec: {
          serialize: () => {
            throw cause;
          },
          deserialize: () => 1,
        },
      });
      const key = uniqueKey();
      expect(await failure(mc.set(key, 1))).toBe(cause);
      expect(await failure(mc.setMulti({ [key]: 1 }))).toBe(cause);
      expect(await stored(server(), key)).toBeUndefined();
    });

    it('may throw: deserialize, and the error carries data, flags and the cause', async () => {
      const cause = new Error('not this value');
      const throwing: Codec = {
        serialize: marking.serialize,
        deserialize: () => {
          throw cause;
        },
      };
      const mc = connect({ codec: throwing });
      const key = uniqueKey();
      await mc.set(key, 1);
      const expected = { name: 'DeserializationError', key, data: Buffer.from('<1>'), flags: 4242, cause };
      expect(await failure(mc.get(key))).toMatchObject({ ...expected, operation: 'get' });
      expect(await failure(mc.gets(key))).toMatchObject({ ...expected, operation: 'gets' });
      expect(await failure(mc.getMulti([key]))).toMatchObject({ ...expected, values: new Map(), failedKeys: [key] });
      expect((await failure(mc.get(key))).message).toContain('not this value');
    });

    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['a string', 'data'],
      ['an object', { data: '', flags: 0 }],
      ['one element', ['data']],
      ['three elements', ['data', 0, 0]],
      ['a number as data', [1, 0]],
      ['null as data', [null, 0]],
      ['an array as data', [[1], 0]],
      ['no flags', ['data', undefined]],
      ['flags that are text', ['data', '0']],
      ['flags that are negative', ['data', -1]],
      ['a fraction as flags', ['data', 1.5]],
      ['flags beyond 32 bits', ['data', 2 ** 32]],
      ['NaN as flags', ['data', NaN]],
      ['a promise', Promise.resolve(['data', 0])],
    ])('that returns nonsense is told so, and nothing is sent: %s', async (_name, result) => {
      const codec = { serialize: () => result as never, deserialize: () => 1 };
      const mc = connect({ codec });
      const key = uniqueKey();
      for (const call of [() => mc.set(key, 1), () => mc.add(key, 1), () => mc.setMulti({ [key]: 1 })]) {
        const error = await failure(call());
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toContain('serialize must return');
      }
      expect(await stored(server(), key)).toBeUndefined();
    });
  });

  describe('CacheMiss', () => {
    const missing: Codec = {
      serialize: marking.serialize,
      deserialize: (data) => {
        if (data.includes('miss')) throw new CacheMiss();
        return data.toString();
      },
    };

    it('makes a value a miss', async () => {
      const mc = connect({ codec: missing });
      const [hit, miss] = [uniqueKey(), uniqueKey()];
      await mc.setMulti({ [hit]: 'hit', [miss]: 'miss' });
      expect(await mc.get(miss)).toBeUndefined();
      expect(await mc.get(miss, 'default')).toBe('default');
      expect(await mc.gets(miss)).toEqual([undefined, undefined]);
      expect(await mc.getMulti([hit, miss])).toEqual(new Map([[hit, '<"hit">']]));
      expect([...(await mc.getsMulti([miss, hit])).keys()]).toEqual([hit]);
    });
  });

  describe('a subclass', () => {
    it('overrides serialize and deserialize', async () => {
      const mc = skewed();
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await stored(server(), key)).toEqual({ bytes: 'v2:value', flags: 99 });
      expect(await mc.get(key)).toBe('value');
      expect((await mc.gets(key))[0]).toBe('value');
      expect(await mc.getMulti([key])).toEqual(new Map([[key, 'value']]));
      await mc.set(key, 'default');
      expect(await stored(server(), key)).toEqual({ bytes: 'default', flags: 16 });
      expect(await mc.get(key)).toBe('default');
    });

    it('may throw CacheMiss', async () => {
      const mc = skewed();
      const [old, current] = [uniqueKey(), uniqueKey()];
      await store(server(), old, 'v1:value', 99);
      await mc.set(current, 'value');
      expect(await mc.get(old, 'default')).toBe('default');
      expect(await mc.gets(old)).toEqual([undefined, undefined]);
      expect(await mc.getMulti([old, current])).toEqual(new Map([[current, 'value']]));
    });

    it('still compresses', async () => {
      const mc = skewed();
      const key = uniqueKey();
      const text = 'text '.repeat(500);
      await mc.set(key, text, { minCompressLen: 100 });
      expect((await stored(server(), key))?.flags).toBe(99 + 8);
      expect((await stored(server(), key))?.bytes.length).toBeLessThan(500);
    });
  });

  describe('serialize and deserialize of the client', () => {
    it('are the codec, synchronous, with bytes', () => {
      const mc = connect();
      expect(mc.serialize('ü')).toEqual([Buffer.from('ü'), 16]);
      expect(mc.serialize(5)).toEqual([Buffer.from('5'), 4]);
      expect(mc.deserialize(new Uint8Array(Buffer.from('ü')), 16)).toBe('ü');
      expect(() => mc.deserialize(Buffer.from('x'), 1)).toThrow(/pickle/);
      expect(() => mc.serialize(undefined)).toThrow(TypeError);
      expect(connect({ codec: marking }).deserialize(Buffer.from('x'), 3)).toEqual(['x', 3]);
    });
  });

  describe('a codec with compression of its own', () => {
    it('compresses in every method that stores', async () => {
      const mc = connect({ codec: 'php' });
      const key = uniqueKey();
      const text = 'text '.repeat(500);
      const options = { minCompressLen: 100 };
      const zlib = 0x30;
      const expectCompressed = async (wireKey: string) => {
        expect((await stored(server(), wireKey))?.flags).toBe(zlib);
        expect((await stored(server(), wireKey))?.bytes.length).toBeLessThan(500);
        expect(await mc.get(wireKey)).toBe(text);
        await mc.delete(wireKey);
      };
      await mc.add(key, text, options);
      await expectCompressed(key);
      await mc.setMulti({ [key]: text, other: 'short' }, options);
      await expectCompressed(key);
      await mc.addMulti({ [key]: text }, options);
      expect(await mc.replace(key, text, options)).toBe(true);
      await expectCompressed(key);
      await mc.set(key, 'old');
      const [, token] = await mc.gets(key);
      await mc.cas(key, text, token as bigint, options);
      await expectCompressed(key);
      expect(await mc.getOrSet(key, () => text, options)).toBe(text);
      await expectCompressed(key);
      const namespace = mc.namespace(uniqueKey());
      await namespace.set(key, text, options);
      expect(await namespace.get(key)).toBe(text);
      await namespace.setMulti({ [key]: text }, options);
      expect(await namespace.getMulti([key])).toEqual(new Map([[key, text]]));
      await expect(connect({ codec: 'raw' }).namespace('n').set(key, text, options)).rejects.toThrow(TypeError);
    });
  });

  describe('codecs.raw', () => {
    it('stores and reads bytes and flags as they are', async () => {
      const mc = connect({ codec: codecs.raw });
      const key = uniqueKey();
      await mc.set(key, { data: Buffer.from([1, 2]), flags: 12345 });
      expect(await mc.get(key)).toEqual({ data: Buffer.from([1, 2]), flags: 12345 });
      await mc.set(key, 'text');
      expect(await mc.get(key)).toEqual({ data: Buffer.from('text'), flags: 0 });
      await store(server(), key, '\x80', 1);
      expect(await mc.get(key)).toMatchObject({ flags: 1 });
      expect(await failure(mc.set(key, 5))).toBeInstanceOf(TypeError);
    });
  });

  describe('codecs.structured', () => {
    it('keeps what JSON loses, and what others can read', async () => {
      const mc = connect({ codec: codecs.structured });
      const key = uniqueKey();
      const cyclic: Record<string, unknown> = {
        at: new Date(5),
        found: new Map([[1, new Set(['a'])]]),
        pattern: /x/gi,
      };
      cyclic.self = cyclic;
      await mc.set(key, cyclic);
      const read = (await mc.get(key)) as typeof cyclic;
      expect(read.self).toBe(read);
      expect([read.at, read.found, read.pattern]).toEqual([cyclic.at, cyclic.found, cyclic.pattern]);
      await mc.set(key, new Map([['undefined', undefined]]));
      expect(await mc.get(key)).toEqual(new Map([['undefined', undefined]]));
      for (const plain of ['text', 5, 5n, true, null, 1.5]) {
        await mc.set(key, plain);
        expect(await connect().get(key)).toBe(plain);
        expect(await mc.get(key)).toBe(plain);
      }
    });

    it('rejects what node:v8 cannot', async () => {
      const mc = connect({ codec: codecs.structured });
      const key = uniqueKey();
      const refused = await failure(mc.set(key, { run: () => 1 }));
      expect(refused).toMatchObject({ name: 'TypeError', cause: expect.anything() as unknown });
      expect(await failure(mc.set(key, undefined))).toBeInstanceOf(TypeError);
      await mc.set(key, new Map());
      const flags = (await stored(server(), key))?.flags ?? 0;
      await store(server(), key, 'not of v8', flags);
      expect(await failure(mc.get(key))).toMatchObject({ name: 'DeserializationError', key });
      // The default codec knows it, but cannot read it.
      expect(await failure(connect().get(key))).toMatchObject({ name: 'DeserializationError', flags });
    });
  });
});
