// Keys of callers and keys of the client's own (leases, generations) cannot meet (row V5); and the token 0 of a server without
// CAS is never used (row V6).

import { failure, inEveryProtocol, secondsLeft, sleep, store, stored, thrown, useClients } from '../support/clients';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

inEveryProtocol(({ connect, server }) => {
  it('a key that ends with :lease is a key as any other', async () => {
    const mc = connect();
    for (const view of [mc, mc.namespace(uniqueKey())]) {
      const key = uniqueKey();
      await view.set(`${key}:lease`, 'mine');
      expect(await view.getOrSet(key, () => 'value')).toBe('value');
      expect(await view.getOrSet(`${key}:lease`, () => 'other', { time: 10, staleFor: 10 })).toBe('mine');
      const loading = view.getOrSet(`${key}:2`, async () => {
        expect(await view.get(`${key}:2:lease`)).toBeUndefined();
        return 'loaded';
      });
      expect(await loading).toBe('loaded');
    }
  });

  it('a key that looks like a generation’s', async () => {
    const mc = connect();
    const name = uniqueKey();
    await mc.set(`${name}:@generation`, 'mine');
    await mc.namespace(name).set('key', 1);
    await mc.namespace(name).invalidate();
    expect(await mc.get(`${name}:@generation`)).toBe('mine');
    expect(await mc.namespace(name).get('key')).toBeUndefined();
  });

  it('keys that begin as the client’s own are refused, however they are put together', async () => {
    const mc = connect();
    const keys = ['@@lease:user:bob', '@@generation:shop', '@@', Buffer.from('@@lease:user:bob')];
    for (const key of keys) {
      const calls = [
        () => mc.get(key),
        () => mc.gets(key),
        () => mc.set(key, 1),
        () => mc.add(key, 1),
        () => mc.delete(key),
        () => mc.touch(key, 1),
        () => mc.incr(key),
        () => mc.incr(key, 1, { initial: 1 }),
        () => mc.append(key, 'x'),
        () => mc.getOrSet(key, () => 1),
        () => mc.getMulti([uniqueKey(), key]),
        () => mc.setMulti([[key, 1]]),
        () => mc.deleteMulti([key]),
        () => mc.incrMulti([key]),
        () => mc.getMulti(['@lease:user:bob'], { keyPrefix: '@' }),
        () => mc.deleteMulti(['bob'], { keyPrefix: Buffer.from('@@lease:user:') }),
      ];
      for (const call of calls)
        expect(await failure(call())).toMatchObject({ name: 'BadKeyProvided', message: expect.stringMatching(/@@/) });
    }
    expect(thrown(() => mc.namespace('@@lease:a'))).toMatchObject({ name: 'RangeError' });
    for (const key of ['@', '@lease:a', 'a@@lease:']) expect(await mc.set(key, 1)).toBe(true);
    // In a namespace the name goes before them.
    expect(await mc.namespace(uniqueKey()).set('@@lease:a', 1)).toBe(true);
  });

  it('what nobody of us wrote under a lease’s key holds nothing', async () => {
    const mc = connect();
    for (const text of ['nonsense', '', 'fresh?', 'x'.repeat(1000)]) {
      const key = uniqueKey();
      await store(server(), `@@lease:${key}`, text, 0);
      expect(await mc.getOrSet(key, () => 'loaded', { timeout: 1500 })).toBe('loaded');
      expect((await stored(server(), key))?.bytes).toBe('loaded');
    }
  });

  it('what a loader does to its key leads its value nowhere else', async () => {
    const mc = connect();
    const [key, other] = [uniqueKey('a'), uniqueKey('b')];
    const bytes = Buffer.from(key);
    await mc.getOrSet(bytes, (given) => {
      (given as Buffer).write('b');
      bytes.write('b');
      return 'value';
    });
    expect(await mc.get(key)).toBe('value');
    expect(await mc.get(other)).toBeUndefined();
  });
});

describe('a server without CAS', () => {
  const connect = useClients();
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached({ args: ['-C'] });
  });
  afterAll(stopAll);

  describe.each([false, true])('binary: %s', (binary) => {
    it('cas refuses its token, and says why', async () => {
      const mc = connect(server, { binary });
      const key = uniqueKey();
      await mc.set(key, 1);
      const [, token] = await mc.gets(key);
      expect(token).toBe(0n);
      expect(await failure(mc.cas(key, 2, token as bigint))).toMatchObject({
        name: 'RangeError',
        message: expect.stringMatching(/started with -C/),
      });
      expect(await mc.get(key)).toBe(1);
    });

    it('getOrSet loads once, and again when the value is gone', async () => {
      const [mc, other] = [connect(server, { binary }), connect(server, { binary })];
      const key = uniqueKey();
      let loads = 0;
      const load = async (): Promise<number> => {
        await sleep(30);
        return ++loads;
      };
      const calls = [mc, other, mc, other].map((each) => each.getOrSet(key, load, 60));
      expect(await Promise.all(calls)).toEqual([1, 1, 1, 1]);
      await mc.delete(key);
      expect(await mc.getOrSet(key, load, { timeout: 1000 })).toBe(2);
      expect(await failure(mc.getOrSet(uniqueKey(), () => Promise.reject(new Error('mine')))).then(String)).toMatch(
        /mine/,
      );
    });

    it('what nobody of us wrote under a lease’s key holds nothing', async () => {
      const [mc, other] = [connect(server, { binary }), connect(server, { binary })];
      for (const text of ['free', 'nonsense']) {
        const key = uniqueKey();
        await store(server, `@@lease:${key}`, text, 0);
        let loads = 0;
        const load = async (): Promise<number> => {
          await sleep(100);
          return ++loads;
        };
        const calls = [mc, other, mc, other].map((each) => each.getOrSet(key, load, { timeout: 1500 }));
        const [a, b, ...others] = await Promise.all(calls);
        // Each client loads once. Without CAS two of them may: one can delete the lease that the other has just taken.
        expect(others).toEqual([a, b]);
        expect([1, 2]).toContain(loads);
        // And then it is there.
        expect([a, b]).toContain(await mc.getOrSet(key, load, { timeout: 1500 }));
      }
    });

    it('a stale value is served, and never replaces a newer one', async () => {
      const mc = connect(server, { binary });
      const key = uniqueKey();
      let loads = 0;
      const get = (): Promise<unknown> =>
        mc.getOrSet(key, () => `load ${++loads}`, { time: 1, staleFor: 60, leaseFor: 1, timeout: 1500 });
      expect(await get()).toBe('load 1');
      await sleep(2100);
      expect(await get()).toBe('load 1'); // stale
      await sleep(100);
      await mc.set(key, 'newer');
      for (let round = 0; round < 4; ++round) {
        expect(await get()).toBe('newer');
        await sleep(400);
      }
      expect(await secondsLeft(server, key)).toBe(-1);
      await mc.delete(key);
      expect(await get()).toMatch(/^load \d$/);
    });
  });
});
