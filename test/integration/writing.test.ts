import { uniqueKey } from '../support/unique-keys';
import { everywhere, stored } from '../support/clients';

everywhere(({ connect, server }) => {
  describe('set', () => {
    it('resolves to true, and overwrites', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.set(key, 'first')).toBe(true);
      expect(await mc.set(key, 2)).toBe(true);
      expect(await mc.get(key)).toBe(2);
    });

    it.each([20, 40_000, 300_000])('copies %d bytes at once, the caller may change them', async (length) => {
      const mc = connect();
      const key = uniqueKey();
      const value = Buffer.alloc(length, 'a');
      const writing = mc.set(key, value);
      value.fill('b');
      await writing;
      expect(Buffer.alloc(length, 'a').equals((await mc.get(key)) as Buffer)).toBe(true);
    });

    it('takes options of every kind', async () => {
      const mc = connect();
      const key = uniqueKey();
      const signal = new AbortController().signal;
      const options = { time: 100, minCompressLen: 10, compressLevel: 1, timeout: 1500, signal };
      expect(await mc.set(key, 'value', options)).toBe(true);
      expect(await mc.set(key, 'value', {})).toBe(true);
      expect(await mc.get(key)).toBe('value');
    });

    it('stores many values at once, large among small', async () => {
      const mc = connect();
      const keys = Array.from({ length: 60 }, () => uniqueKey());
      const valueOf = (index: number): string => String(index % 10).repeat(index % 7 === 0 ? 100_000 : index);
      expect(await Promise.all(keys.map((key, index) => mc.set(key, valueOf(index))))).toEqual(keys.map(() => true));
      const found = await mc.getMulti<string>(keys);
      expect(keys.every((key, index) => found.get(key) === valueOf(index))).toBe(true);
    });
  });

  describe('add', () => {
    it('stores only where nothing is', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.add(key, 'first')).toBe(true);
      expect(await mc.add(key, 'second')).toBe(false);
      expect(await mc.get(key)).toBe('first');
      await mc.delete(key);
      expect(await mc.add(key, 'third', 100)).toBe(true);
      expect(await mc.get(key)).toBe('third');
    });

    it('has one winner', async () => {
      const mc = connect();
      const key = uniqueKey();
      const added = await Promise.all(Array.from({ length: 20 }, (_, index) => mc.add(key, index)));
      expect(added).toEqual([true, ...Array.from({ length: 19 }, () => false)]);
      expect(await mc.get(key)).toBe(0);
    });
  });

  describe('replace', () => {
    it('stores only where something is', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.replace(key, 'none')).toBe(false);
      expect(await mc.get(key)).toBeUndefined();
      await mc.set(key, 'first');
      expect(await mc.replace(key, { second: true }, { time: 100 })).toBe(true);
      expect(await mc.get(key)).toEqual({ second: true });
    });
  });

  describe.each(['append', 'prepend'] as const)('%s', (method) => {
    const joined = (old: string, added: string): string => (method === 'append' ? old + added : added + old);

    it('adds strings and bytes', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'mitte');
      expect(await mc[method](key, '-ü-')).toBe(true);
      expect(await mc[method](key, Buffer.from('-B-'))).toBe(true);
      expect(await mc[method](key, new Uint8Array([65]))).toBe(true);
      expect(await mc[method](key, '')).toBe(true);
      expect(await mc.get(key)).toBe(joined(joined(joined('mitte', '-ü-'), '-B-'), 'A'));
    });

    it('resolves to false where nothing is', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc[method](key, 'data')).toBe(false);
      expect(await mc.has(key)).toBe(false);
    });

    it('keeps the flags, and stores the bytes as they are', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, Buffer.from([0, 1]));
      expect(await mc[method](key, Buffer.from([0xff, 13, 10]), { timeout: 1000 })).toBe(true);
      expect(await stored(server(), key)).toEqual({ bytes: joined('\0\x01', '\xff\r\n'), flags: 0 });
    });

    it('adds in the order of the calls', async () => {
      const mc = connect();
      const key = uniqueKey();
      const parts = Array.from({ length: 100 }, (_, index) => `<${index}>`);
      void mc.set(key, '');
      const results = await Promise.all(parts.map((part) => mc[method](key, part)));
      expect(results).toEqual(parts.map(() => true));
      expect(await mc.get(key)).toBe(parts.reduce(joined, ''));
    });

    it('adds large data', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'x');
      expect(await mc[method](key, 'y'.repeat(200_000))).toBe(true);
      expect(await mc.get(key)).toBe(joined('x', 'y'.repeat(200_000)));
    });
  });
});
