import { uniqueKey } from '../support/unique-keys';
import { everywhere, secondsLeft } from '../support/clients';

everywhere(({ connect, server }) => {
  describe('delete', () => {
    it('resolves to whether it was there', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await mc.delete(key)).toBe(true);
      expect(await mc.delete(key)).toBe(false);
      expect(await mc.has(key)).toBe(false);
      expect(await mc.delete(key, { timeout: 1000, signal: new AbortController().signal })).toBe(false);
    });

    it('deletes the right ones of many', async () => {
      const mc = connect();
      const keys = Array.from({ length: 500 }, () => uniqueKey());
      const isThere = (index: number): boolean => index % 3 === 0;
      await mc.setMulti(keys.filter((_key, index) => isThere(index)).map((key) => [key, 1] as const));
      const deleted = await Promise.all(keys.map((key) => mc.delete(key)));
      expect(deleted).toEqual(keys.map((_key, index) => isThere(index)));
    });
  });

  describe('deleteMulti', () => {
    it('is true only if all were deleted', async () => {
      const mc = connect();
      const [a, b] = [uniqueKey(), Buffer.from(uniqueKey())];
      await mc.setMulti([
        [a, 1],
        [b, 2],
      ]);
      expect(await mc.deleteMulti([a, b])).toBe(true);
      expect((await mc.getMulti([a, b])).size).toBe(0);
      await mc.set(b, 2);
      expect(await mc.deleteMulti([a, b])).toBe(false);
      expect((await mc.getMulti([a, b])).size).toBe(0);
    });

    it('takes keyPrefix and any iterable', async () => {
      const mc = connect();
      const keyPrefix = uniqueKey('prefix-');
      await mc.setMulti({ a: 1, b: 2, c: 3 }, { keyPrefix });
      expect(await mc.deleteMulti(new Set(['a', 'b']), { keyPrefix })).toBe(true);
      expect([...(await mc.getMulti(['a', 'b', 'c'], { keyPrefix })).keys()]).toEqual(['c']);
    });

    it('is true for no keys', async () => {
      expect(await connect().deleteMulti([])).toBe(true);
    });

    it('deletes 1,000 keys', async () => {
      const mc = connect();
      const keys = Array.from({ length: 1000 }, () => uniqueKey());
      await mc.setMulti(keys.map((key) => [key, 1] as const));
      expect(await mc.deleteMulti(keys)).toBe(true);
      expect((await mc.getMulti(keys)).size).toBe(0);
    });
  });

  describe('touch', () => {
    it('resolves to whether it was there, and sets the expiry', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.touch(key, 100)).toBe(false);
      await mc.set(key, 'value');
      expect(await secondsLeft(server(), key)).toBe(-1);
      expect(await mc.touch(key, 100)).toBe(true);
      const left = await secondsLeft(server(), key);
      expect(left).toBeGreaterThan(95);
      expect(left).toBeLessThanOrEqual(101);
      expect(await mc.touch(key, 0, { timeout: 1000 })).toBe(true);
      expect(await secondsLeft(server(), key)).toBe(-1);
      expect(await mc.get(key)).toBe('value');
    });

    it('touches many at once', async () => {
      const mc = connect();
      const keys = Array.from({ length: 100 }, () => uniqueKey());
      await mc.setMulti(keys.slice(50).map((key) => [key, 1] as const));
      const touched = await Promise.all(keys.map((key) => mc.touch(key, 100)));
      expect(touched).toEqual(keys.map((_key, index) => index >= 50));
    });
  });
});
