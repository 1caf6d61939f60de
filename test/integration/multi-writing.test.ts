import type { Key } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { everywhere, secondsLeft, stored } from '../support/clients';

everywhere(({ connect, server }) => {
  describe.each(['setMulti', 'addMulti'] as const)('%s', (method) => {
    it('resolves to no keys for no entries', async () => {
      const mc = connect();
      expect(await mc[method]({})).toEqual([]);
      expect(await mc[method](new Map())).toEqual([]);
      expect(await mc[method]([])).toEqual([]);
    });

    it('takes a Map, an object, or an iterable of pairs', async () => {
      const mc = connect();
      const [a, b, c, d, e] = [uniqueKey(), uniqueKey(), Buffer.from(uniqueKey()), uniqueKey(), uniqueKey()];
      function* pairs(): Generator<readonly [Key, unknown]> {
        yield [d, 4];
      }
      const entries: [Key, unknown][] = [
        [b, 2],
        [c, 3],
      ];
      expect(await mc[method]({ [a]: 1 })).toEqual([]);
      expect(await mc[method](new Map(entries))).toEqual([]);
      expect(await mc[method](pairs())).toEqual([]);
      expect(await mc[method]([[e, 5]])).toEqual([]);
      expect([...(await mc.getMulti([a, b, c, d, e])).values()]).toEqual([1, 2, 3, 4, 5]);
    });

    it('takes keyPrefix, time and compression', async () => {
      const mc = connect();
      const keyPrefix = uniqueKey('prefix-');
      const text = 'x'.repeat(1000);
      const options = { keyPrefix, time: 100, minCompressLen: 100, timeout: 2000 };
      expect(await mc[method]({ a: text, b: 'short' }, options)).toEqual([]);
      expect(await stored(server(), `${keyPrefix}b`)).toEqual({ bytes: 'short', flags: 16 });
      expect((await stored(server(), `${keyPrefix}a`))?.flags).toBe(24);
      expect(await mc.get(`${keyPrefix}a`)).toBe(text);
      const left = await secondsLeft(server(), `${keyPrefix}b`);
      expect(left).toBeGreaterThan(95);
      expect(left).toBeLessThanOrEqual(101);
    });

    it('resolves to the keys that were not stored, as they were given, and stores the others', async () => {
      const mc = connect();
      const keyPrefix = uniqueKey('prefix-');
      const large = Buffer.from('large');
      const entries: [Key, unknown][] = [
        ['a', 1],
        [large, 'x'.repeat(2_500_000)],
        ['b', 2],
      ];
      const failed = await mc[method](entries, { keyPrefix });
      expect(failed).toHaveLength(1);
      expect(failed[0]).toBe(large);
      expect(await mc.getMulti(['a', large, 'b'], { keyPrefix })).toEqual(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      );
    });

    it('stores 1,000 values', async () => {
      const mc = connect();
      const entries = new Map(Array.from({ length: 1000 }, (_, index) => [uniqueKey(), { index }]));
      expect(await mc[method](entries)).toEqual([]);
      expect(await mc.getMulti(entries.keys())).toEqual(entries);
    });

    it('copies at once', async () => {
      const mc = connect();
      const name = uniqueKey();
      const value = Buffer.from('value');
      const key = Buffer.from(name);
      const writing = mc[method]([[key, value]]);
      value.fill('x');
      key.fill('x');
      await writing;
      expect(await mc.get(name)).toEqual(Buffer.from('value'));
    });
  });

  it('setMulti: the last of duplicates wins', async () => {
    const mc = connect();
    const key = uniqueKey();
    const entries: [string, number][] = [
      [key, 1],
      [key, 2],
      [key, 3],
    ];
    expect(await mc.setMulti(entries)).toEqual([]);
    expect(await mc.get(key)).toBe(3);
  });

  it('addMulti resolves to the keys that are there already', async () => {
    const mc = connect();
    const keyPrefix = uniqueKey('prefix-');
    await mc.set(`${keyPrefix}b`, 'old');
    expect(await mc.addMulti({ a: 'new', b: 'new', c: 'new' }, { keyPrefix })).toEqual(['b']);
    expect([...(await mc.getMulti(['a', 'b', 'c'], { keyPrefix })).values()]).toEqual(['new', 'old', 'new']);
  });
});
