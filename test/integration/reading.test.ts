import { uniqueKey } from '../support/unique-keys';
import { everywhere } from '../support/clients';

everywhere(({ connect }) => {
  describe('get', () => {
    it('resolves to what was set', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await mc.get(key)).toBe('value');
    });

    it('resolves to undefined on a miss', async () => {
      expect(await connect().get(uniqueKey())).toBeUndefined();
    });

    it.each([
      ['a string', 'default'],
      ['null', null],
      ['0', 0],
      ['false', false],
      ['an object', { an: 'object' }],
    ])('resolves to the default on a miss: %s', async (_name, otherwise) => {
      expect(await connect().get(uniqueKey(), otherwise)).toBe(otherwise);
    });

    it('does not use the default on a hit', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await mc.get(key, 'default')).toBe('value');
    });

    it('tells a stored null from a miss', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, null);
      expect(await mc.get(key, 'default')).toBeNull();
      expect(await mc.gets(key)).toEqual([null, expect.any(BigInt)]);
    });

    it('takes options after an undefined default', async () => {
      const mc = connect();
      const signal = new AbortController().signal;
      expect(await mc.get(uniqueKey(), undefined, { timeout: 1000, signal })).toBeUndefined();
    });

    it('answers many at once, each its own', async () => {
      const mc = connect();
      const keys = Array.from({ length: 300 }, () => uniqueKey());
      await Promise.all(keys.map((key, index) => mc.set(key, index)));
      expect(await Promise.all(keys.map((key) => mc.get(key)))).toEqual(keys.map((_key, index) => index));
    });

    it('resolves to bytes that nothing changes later', async () => {
      const mc = connect();
      const keys = Array.from({ length: 20 }, () => uniqueKey());
      await mc.setMulti(keys.map((key) => [key, Buffer.from(key)] as const));
      const values = await Promise.all(keys.map((key) => mc.get<Buffer>(key)));
      await mc.setMulti(keys.map((key) => [key, Buffer.alloc(key.length, 'x')] as const));
      await Promise.all(keys.map((key) => mc.get(key)));
      expect(values.map(String)).toEqual(keys);
    });

    it('answers everyone who asks for the same key at once, with values of their own', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, Buffer.from('abc'));
      const values = (await Promise.all(Array.from({ length: 20 }, () => mc.get(key, 'none')))) as Buffer[];
      values[0]?.fill(0);
      expect(values.slice(1).every((value) => value.equals(Buffer.from('abc')))).toBe(true);
    });
  });

  describe('keys', () => {
    it('are bytes: a string is its UTF-8', async () => {
      const mc = connect();
      const key = uniqueKey('schlüssel-鍵');
      await mc.set(key, 'value');
      expect(await mc.get(Buffer.from(key))).toBe('value');
      expect(await mc.get(new Uint8Array(Buffer.from(key)))).toBe('value');
    });

    it.each([
      ['250 ASCII characters', 'k'.repeat(250)],
      ['125 characters of two bytes', 'ü'.repeat(125)],
      ['250 bytes in 84 characters', `${'鍵'.repeat(83)}k`],
      ['one character', 'k'],
      ['all printable punctuation', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'],
    ])('may be %s', async (_name, key) => {
      const mc = connect();
      const value = uniqueKey();
      await mc.set(key, value);
      expect(await mc.get(key)).toBe(value);
      expect(await mc.getMulti([key])).toEqual(new Map([[key, value]]));
      expect(await mc.delete(key)).toBe(true);
    });

    it('may be any bytes above the blank but 127', async () => {
      const mc = connect();
      const key = Buffer.from(
        Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte > 32 && byte !== 127),
      );
      await mc.set(key, 'value');
      expect(await mc.get(key)).toBe('value');
      await mc.delete(key);
    });

    it('are copied at once', async () => {
      const mc = connect();
      const name = uniqueKey();
      const key = Buffer.from(name);
      const writing = mc.set(key, 'value');
      key.fill('x');
      await writing;
      expect(await mc.get(name)).toBe('value');
    });
  });

  describe('gets', () => {
    it('resolves to the value and its token', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'first');
      const [value, first] = await mc.gets(key);
      expect(value).toBe('first');
      expect(typeof first).toBe('bigint');
      expect((await mc.gets(key))[1]).toBe(first);
      await mc.set(key, 'second');
      expect((await mc.gets(key))[1]).not.toBe(first);
    });

    it('resolves to two undefineds on a miss', async () => {
      expect(await connect().gets(uniqueKey())).toEqual([undefined, undefined]);
    });

    it('gives every caller an array of its own', async () => {
      const mc = connect();
      const key = uniqueKey();
      const one: unknown[] = await mc.gets(key);
      one.push('more');
      expect(await mc.gets(key)).toEqual([undefined, undefined]);
    });

    it('can be mixed with get at the same key', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'value');
      const [a, [b, token], c] = await Promise.all([mc.get(key), mc.gets(key), mc.get(key)]);
      expect([a, b, typeof token, c]).toEqual(['value', 'value', 'bigint', 'value']);
    });

    it('and get work with the behavior cas', async () => {
      const mc = connect({ behaviors: { cas: true } });
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await mc.get(key)).toBe('value');
      expect(await mc.gets(key)).toEqual(['value', expect.any(BigInt)]);
    });
  });

  describe('has', () => {
    it('is whether the key is there', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.has(key)).toBe(false);
      await mc.set(key, null);
      expect(await mc.has(key)).toBe(true);
      await mc.delete(key);
      expect(await mc.has(key)).toBe(false);
    });

    it('can be asked together with get for the same key', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, '');
      expect(await Promise.all([mc.has(key), mc.get(key), mc.has(key)])).toEqual([true, '', true]);
    });
  });
});
