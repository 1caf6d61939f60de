import { uniqueKey } from '../support/unique-keys';
import { failure, inEveryProtocol, store } from '../support/clients';

const limit = 1024 * 1024;

inEveryProtocol(({ connect, server }) => {
  const tooBig = (operation: string, key: string) => ({
    name: 'TooBig',
    code: 'ERR_MEMCACHED_TOO_BIG',
    operation,
    key,
    server: server().address,
    outcomeUnknown: false,
  });

  it.each([limit, limit + 1, 3_000_000, 20_000_000])(
    'a value of %d bytes; the next operation works',
    async (length) => {
      const mc = connect();
      const key = uniqueKey();
      expect(await failure(mc.set(key, Buffer.alloc(length)))).toMatchObject(tooBig('set', key));
      expect(await mc.set(key, 'small')).toBe(true);
      expect(await mc.get(key)).toBe('small');
    },
  );

  it('a string of as many bytes', async () => {
    const mc = connect();
    const key = uniqueKey();
    expect(await failure(mc.set(key, 'ü'.repeat(limit / 2)))).toMatchObject(tooBig('set', key));
    expect(await mc.set(key, 'x'.repeat(limit - 500))).toBe(true);
  });

  it.each(['add', 'replace'] as const)('%s', async (method) => {
    const mc = connect();
    const key = uniqueKey();
    if (method === 'replace') await mc.set(key, 'old');
    expect(await failure(mc[method](key, Buffer.alloc(2_000_000)))).toMatchObject(tooBig(method, key));
    expect(await mc.set(key, 'new')).toBe(true);
    expect(await mc.get(key)).toBe('new');
  });

  it('cas', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const [, token] = await mc.gets(key);
    expect(await failure(mc.cas(key, Buffer.alloc(2_000_000), token as bigint))).toMatchObject(tooBig('cas', key));
    expect(await mc.set(key, 'new')).toBe(true);
  });

  it.each(['append', 'prepend'] as const)('%s of too much at once', async (method) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    expect(await failure(mc[method](key, Buffer.alloc(2_000_000)))).toMatchObject(tooBig(method, key));
    await mc.set(key, 'new');
    expect(await mc.get(key)).toBe('new');
  });

  // memcached answers NOT_STORED, as it does where nothing is.
  it.each(['append', 'prepend'] as const)(
    '%s beyond the limit bit by bit: false, and the value stays',
    async (method) => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, Buffer.alloc(700_000, 'a'));
      expect(await mc[method](key, Buffer.alloc(700_000, 'b'))).toBe(false);
      expect(Buffer.alloc(700_000, 'a').equals((await mc.get(key)) as Buffer)).toBe(true);
    },
  );

  it('fits when it is compressed', async () => {
    const mc = connect();
    const key = uniqueKey();
    const value = 'x'.repeat(3_000_000);
    await mc.set(key, value, { minCompressLen: 1000 });
    expect((await mc.get(key)) === value).toBe(true);
  });

  it('among others: the right ones fail', async () => {
    const mc = connect();
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    const isLarge = (index: number): boolean => index % 25 === 3;
    const settled = await Promise.allSettled(
      keys.map((key, index) => mc.set(key, isLarge(index) ? Buffer.alloc(1_200_000) : index)),
    );
    expect(settled.map(({ status }) => status === 'rejected')).toEqual(keys.map((_key, index) => isLarge(index)));
    for (const [index, result] of settled.entries()) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject(tooBig('set', keys[index] as string));
    }
    const found = await mc.getMulti(keys);
    expect(keys.every((key, index) => isLarge(index) || found.get(key) === index)).toBe(true);
  });

  it('deletes the old value, or leaves it: but never mixes', async () => {
    const mc = connect();
    const key = uniqueKey();
    await store(server(), key, 'old', 16);
    await failure(mc.set(key, Buffer.alloc(2_000_000)));
    expect([undefined, 'old']).toContain(await mc.get(key));
  });
});
