import { uniqueKey } from '../support/unique-keys';
import { everywhere, failure, stored } from '../support/clients';

const largest = 2n ** 64n - 1n;

everywhere(({ connect, server }) => {
  describe.each(['incr', 'decr'] as const)('%s', (method) => {
    const sign = method === 'incr' ? 1 : -1;

    it('resolves to the new value; delta is 1', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 100);
      expect(await mc[method](key)).toBe(100 + sign);
      expect(await mc[method](key, 5)).toBe(100 + 6 * sign);
      expect(await mc[method](key, 7n)).toBe(100 + 13 * sign);
      expect(await mc[method](key, 0)).toBe(100 + 13 * sign);
      expect(await mc.get(key)).toBe(100 + 13 * sign);
    });

    it('resolves to a bigint if asked', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 10);
      expect(await mc[method](key, 1, { bigint: true })).toBe(10n + BigInt(sign));
      expect(await mc[method](key, 0, { bigint: false })).toBe(10 + sign);
    });

    it('works for a counter that was stored as text, as a bigint or by another client', async () => {
      const mc = connect();
      const [text, big] = [uniqueKey(), uniqueKey()];
      await mc.set(text, '10');
      await mc.set(big, 10n);
      expect(await mc[method](text)).toBe(10 + sign);
      expect(await mc[method](big)).toBe(10 + sign);
      expect(await mc.get(big)).toBe(10n + BigInt(sign));
    });

    it('rejects with NotFound for a missing key', async () => {
      const mc = connect();
      const key = uniqueKey();
      expect(await failure(mc[method](key))).toMatchObject({
        name: 'NotFound',
        code: 'ERR_MEMCACHED_NOT_FOUND',
        operation: method,
        key,
        server: server().address,
      });
      expect(await mc.has(key)).toBe(false);
    });

    it('rejects for what is not a number, and spoils nothing', async () => {
      const mc = connect();
      const [key, other] = [uniqueKey(), uniqueKey()];
      await mc.set(key, 'text');
      await mc.set(other, 'other');
      const error = await failure(mc[method](key));
      expect(error).toMatchObject({ name: 'ClientError', operation: method, key, server: server().address });
      expect(error.message).toContain(key);
      expect([await mc.get(key), await mc.get(other)]).toEqual(['text', 'other']);
      await mc.set(other, 10);
      expect(await mc[method](other)).toBe(10 + sign);
    });

    it('takes deltas of 64 bits, exact', async () => {
      const mc = connect();
      const key = uniqueKey();
      const delta = 2n ** 63n + 12345n;
      await mc.set(key, method === 'incr' ? '1' : String(largest));
      const expected = method === 'incr' ? 1n + delta : largest - delta;
      expect(await mc[method](key, delta, { bigint: true })).toBe(expected);
      expect((await stored(server(), key))?.bytes.trim()).toBe(String(expected));
    });

    it('takes the largest delta', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, method === 'incr' ? '0' : String(largest));
      expect(await mc[method](key, largest, { bigint: true })).toBe(method === 'incr' ? largest : 0n);
    });

    it('rejects with a RangeError that carries the value above 2^53-1, and has counted', async () => {
      const mc = connect();
      const key = uniqueKey();
      const around = 2n ** 60n;
      await mc.set(key, String(around));
      const expected = around + BigInt(sign);
      const error = await failure(mc[method](key));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ value: expected, key, operation: method });
      expect(error.message).toContain(String(expected));
      expect(await mc[method](key, 0, { bigint: true })).toBe(expected);
    });

    it('goes to exactly 2^53-1 as a number', async () => {
      const mc = connect();
      const key = uniqueKey();
      const start = 2n ** 53n - 1n - BigInt(sign);
      await mc.set(key, String(start));
      expect(await mc[method](key)).toBe(Number.MAX_SAFE_INTEGER);
      if (method === 'incr') expect((await failure(mc.incr(key))).value).toBe(2n ** 53n);
    });

    it('counts each of 1,000 calls', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 10_000);
      const values = await Promise.all(Array.from({ length: 1000 }, () => mc[method](key)));
      expect(values).toEqual(Array.from({ length: 1000 }, (_, index) => 10_000 + sign * (index + 1)));
    });

    it('keeps many counters apart', async () => {
      const mc = connect();
      const keys = Array.from({ length: 300 }, () => uniqueKey());
      await mc.setMulti(keys.map((key, index) => [key, 1000 * index + 500] as const));
      const values = await Promise.all(keys.map((key, index) => mc[method](key, index)));
      expect(values).toEqual(keys.map((_key, index) => 1000 * index + 500 + sign * index));
    });
  });

  it('one that is no number rejects alone: those before and behind it have counted', async () => {
    const mc = connect();
    const bad = uniqueKey('bad');
    const good = Array.from({ length: 100 }, () => uniqueKey('good'));
    await mc.set(bad, 'text');
    await mc.setMulti(new Map(good.map((key) => [key, 1])));
    for (let round = 0; round < 3; ++round) {
      const keys = [...good.slice(0, 50), bad, ...good.slice(50)];
      const results = await Promise.allSettled(keys.map((key) => mc.incr(key)));
      const [refused] = results.splice(50, 1);
      expect(refused).toMatchObject({ reason: { name: 'ClientError', key: bad, outcomeUnknown: false } });
      expect(results).toEqual(good.map(() => ({ status: 'fulfilled', value: round + 2 })));
    }
    for (const key of good) expect(await mc.get(key)).toBe(4);
    expect(await mc.get(bad)).toBe('text');
  });

  it('incr wraps at 2^64', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, String(largest));
    expect(await mc.incr(key, 1, { bigint: true })).toBe(0n);
    await mc.set(key, String(largest - 1n));
    expect(await mc.incr(key, 1, { bigint: true })).toBe(largest);
    expect(await mc.incr(key, 10n)).toBe(9);
  });

  it('decr stops at 0', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 3);
    expect(await mc.decr(key, 2)).toBe(1);
    expect(await mc.decr(key, 2)).toBe(0);
    expect(await mc.decr(key, largest)).toBe(0);
  });

  it('decr to fewer digits reads back as the number', async () => {
    const mc = connect();
    const [number, big] = [uniqueKey(), uniqueKey()];
    await mc.set(number, 1000);
    await mc.set(big, 1000n);
    await mc.decr(number);
    await mc.decr(big);
    expect(await mc.get(number)).toBe(999);
    expect(await mc.get(big)).toBe(999n);
  });

  describe.each(['incrMulti', 'decrMulti'] as const)('%s', (method) => {
    const sign = method === 'incrMulti' ? 1 : -1;

    it('resolves to the new values by the keys as given', async () => {
      const mc = connect();
      const keyPrefix = uniqueKey('prefix-');
      const bytes = Buffer.from('b');
      await mc.setMulti({ a: 10, b: 20 }, { keyPrefix });
      expect([...(await mc[method](['a', bytes], { keyPrefix }))]).toEqual([
        ['a', 10 + sign],
        [bytes, 20 + sign],
      ]);
      expect([...(await mc[method](new Set(['a', 'b']), { keyPrefix, delta: 5n })).values()]).toEqual([
        10 + 6 * sign,
        20 + 6 * sign,
      ]);
      expect(await mc[method]([])).toEqual(new Map());
    });

    it('rejects with NotFound after all were tried', async () => {
      const mc = connect();
      const [a, gone, b, alsoGone] = [uniqueKey(), uniqueKey(), uniqueKey(), uniqueKey()];
      await mc.setMulti({ [a]: 10, [b]: 20 });
      const error = await failure(mc[method]([a, gone, b, alsoGone], { delta: 2 }));
      expect(error).toMatchObject({
        name: 'NotFound',
        failedKeys: [gone, alsoGone],
        values: new Map([
          [a, 10 + 2 * sign],
          [b, 20 + 2 * sign],
        ]),
      });
      expect(error.message).toContain(gone);
      expect([...(await mc.getMulti([a, gone, b])).values()]).toEqual([10 + 2 * sign, 20 + 2 * sign]);
    });

    it('counts duplicates each time', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 10);
      expect(await mc[method]([key, key, key])).toEqual(new Map([[key, 10 + 3 * sign]]));
    });

    it('counts 1,000 keys', async () => {
      const mc = connect();
      const keys = Array.from({ length: 1000 }, () => uniqueKey());
      await mc.setMulti(keys.map((key, index) => [key, index + 10] as const));
      const values = await mc[method](keys, { delta: 3 });
      expect([...values]).toEqual(keys.map((key, index) => [key, index + 10 + 3 * sign]));
    });
  });
});
