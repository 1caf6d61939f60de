// pylibmc's tests/test_pooling.py, and the example in its pools.py.

import { Busy, Client, ClientPool } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

let server: MemcachedServer;
let mc: Client;

beforeAll(async () => {
  server = await startMemcached();
  mc = new Client(server.address);
});

afterAll(async () => {
  await mc.close();
  await stopAll();
});

describe('ClientPoolTests', () => {
  it('test_simple', async () => {
    const p = new ClientPool(mc, 2);
    await p.reserve(async (smc) => {
      expect(smc).toBeInstanceOf(Client);
      expect(await smc.set('a', 1)).toBe(true);
      expect(await smc.get('a')).toBe(1);
    });
    await p.close();
  });

  it('test_exhaust', async () => {
    const p = new ClientPool(mc, 2);
    await p.reserve((mc1) =>
      p.reserve(async (mc2) => {
        expect(mc2).toBeInstanceOf(Client);
        expect(mc2).not.toBe(mc1);
        // The third time fails, without a call.
        const third = jest.fn();
        await expect(p.reserve(third)).rejects.toBeInstanceOf(Busy);
        expect(third).not.toHaveBeenCalled();
      }),
    );
    // Both are back.
    await p.reserve(() => p.reserve(() => undefined));
    await p.close();
  });

  it('block waits until one comes back (the docstring of reserve)', async () => {
    const p = new ClientPool(mc, 1);
    const order: string[] = [];
    await Promise.all([
      p.reserve(async (smc) => {
        await smc.set('block', 1);
        order.push('first');
      }),
      p.reserve(
        async (smc) => {
          order.push('second');
          expect(await smc.get('block')).toBe(1);
        },
        { block: true },
      ),
    ]);
    expect(order).toEqual(['first', 'second']);
    await p.close();
  });

  it('a client goes back when the caller throws (its finally)', async () => {
    const p = new ClientPool(mc, 1);
    await expect(p.reserve(() => Promise.reject(new RangeError('mine')))).rejects.toThrow('mine');
    await expect(
      p.reserve(() => {
        throw new RangeError('mine, too');
      }),
    ).rejects.toThrow('mine, too');
    expect(await p.reserve((smc) => smc.set('a', 1))).toBe(true);
    await p.close();
  });
});

it('the example in pools.py: fill', async () => {
  const pool = new ClientPool();
  pool.fill(mc, 4);
  const used = new Set<Client>();
  const results = await Promise.all(
    Array.from({ length: 4 }, (_, index) =>
      pool.reserve(async (client) => {
        used.add(client);
        const key = `hi${String(index)}`;
        return [await client.set(key, 'ho'), await client.delete(key)];
      }),
    ),
  );
  expect(results).toEqual(Array(4).fill([true, true]));
  expect(used.size).toBe(4);
  expect(used.has(mc)).toBe(false); // clones
  await pool.close();
});
