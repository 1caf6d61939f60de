// Codecs that call the client themselves (row V2): every call has its own data, whatever is called in its middle.

import { type Client, type Codec } from '../../lib/index';
import { inEveryProtocol, stored } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

inEveryProtocol(({ connect, server }) => {
  /** Calls `nested` in its methods: what that calls comes here, too, so it has to end. */
  function calling(nested: () => void): Codec {
    let isNested = false;
    let left = 30;
    const callOnce = (): void => {
      if (isNested || left-- <= 0) return;
      isNested = true;
      nested();
      isNested = false;
    };
    return {
      zlib: false,
      serialize: (value) => {
        const data = Buffer.from(String(value));
        callOnce();
        return [data, 7];
      },
      compress: (data, flags) => {
        const own = Buffer.from(data);
        callOnce();
        return [own, flags];
      },
      deserialize: (data) => {
        callOnce();
        return data.toString();
      },
    };
  }

  it('operations of every kind, in the middle of one', async () => {
    const inner: Promise<unknown>[] = [];
    const innerKey = uniqueKey('inner');
    const mc: Client = connect({
      codec: calling(() => {
        inner.push(
          mc.set(innerKey, 'inner value', { minCompressLen: 1 }),
          mc.setMulti({ [`${innerKey}-multi`]: 'inner multi' }),
          mc.append(innerKey, '!'),
          mc.get(innerKey),
          mc.getMulti([innerKey]),
          mc.incr(`${innerKey}-n`, 1, { initial: 5 }),
          mc.namespace('inner').set('key', 'inner namespace'),
          mc.cas(innerKey, 'x', 1n, 5).catch(() => undefined),
        );
      }),
    });
    const keys = Array.from({ length: 6 }, () => uniqueKey('outer'));
    const [one, two, three, four, five, six] = keys as [string, string, string, string, string, string];
    expect(await mc.set(one, 'outer 1')).toBe(true);
    expect(await mc.set(two, 'outer 2', { minCompressLen: 1, time: 100 })).toBe(true);
    expect(
      await mc.setMulti(
        [
          [three, 'outer 3'],
          [four, 'outer 4'],
        ],
        { time: 100 },
      ),
    ).toEqual([]);
    expect(await mc.add(five, 'outer 5', 100)).toBe(true);
    expect(await mc.getOrSet(six, () => 'outer 6')).toBe('outer 6');
    for (const [index, key] of keys.entries())
      expect(await stored(server(), key)).toEqual({ bytes: `outer ${index + 1}`, flags: 7 });
    expect(await mc.gets(one)).toEqual(['outer 1', expect.any(BigInt)]);
    expect([...(await mc.getMulti(keys)).values()]).toEqual(keys.map((_key, index) => `outer ${index + 1}`));
    expect((await Promise.allSettled(inner)).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect((await stored(server(), innerKey))?.bytes).toMatch(/^inner value!*$/);
  });

  it('a toJSON that calls the client', async () => {
    const mc = connect();
    const [outer, inner] = [uniqueKey(), uniqueKey()];
    let nested: Promise<unknown> | undefined;
    const value = {
      toJSON: () => {
        nested = mc.set(inner, Buffer.from('inner'), { time: 5 });
        return { outer: true };
      },
    };
    await mc.set(outer, value, 100);
    await nested;
    expect(await mc.get(outer)).toEqual({ outer: true });
    expect(String(await mc.get(inner))).toBe('inner');
  });

  it('a getter of the options, or an iterable of keys, that calls the client', async () => {
    const mc = connect();
    const [outer, inner] = [uniqueKey(), uniqueKey()];
    const nested: Promise<unknown>[] = [];
    const options = {
      get time(): number {
        nested.push(mc.set(inner, 'inner', 7));
        return 100;
      },
    };
    function* keys(): Generator<string> {
      yield outer;
      nested.push(mc.getMulti([inner]));
      yield inner;
    }
    await mc.set(outer, 'outer', options);
    await mc.setMulti({ [outer]: 'outer' }, options);
    expect(await mc.getMulti(keys())).toEqual(
      new Map([
        [outer, 'outer'],
        [inner, 'inner'],
      ]),
    );
    await Promise.all(nested);
    expect(await mc.get(outer)).toBe('outer');
  });

  it('destroys the client in the middle of a delivery', async () => {
    const mc: Client = connect({
      codec: {
        serialize: (value) => [String(value), 0],
        deserialize: () => {
          mc.destroy();
          return 'x';
        },
      },
    });
    const key = uniqueKey();
    await mc.set(key, 1);
    const reads = Array.from({ length: 20 }, () => mc.get(key));
    for (const read of await Promise.allSettled(reads))
      expect(read.status === 'fulfilled' ? read.value : (read.reason as Error).name).toMatch(/^(x|ClientClosed)$/);
  });
});
