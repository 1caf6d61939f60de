import { Client, ClientPool } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { failure, sleep, thrown, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(1);
const pools: ClientPool[] = [];
const pooled = (client?: Client, slots?: number): ClientPool => {
  const pool = new ClientPool(client, slots);
  pools.push(pool);
  return pool;
};
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

describe('ClientPool', () => {
  it('is filled with clones', async () => {
    const mc = connect(servers(), { behaviors: { namespace: 'space:' } });
    const pool = pooled(mc, 2);
    expect(pool.available).toBe(2);
    await pool.reserve((one) =>
      pool.reserve((other) => {
        expect(one).toBeInstanceOf(Client);
        expect(new Set([mc, one, other]).size).toBe(3);
        expect([one, other].map((client) => client.behaviors.namespace)).toEqual(['space:', 'space:']);
        expect(pool.available).toBe(0);
      }),
    );
    expect(pool.available).toBe(2);
  });

  it('can be filled later, and more', () => {
    const mc = connect(servers());
    const pool = pooled();
    expect(pool.available).toBe(0);
    pool.fill(mc, 2);
    pool.fill(mc, 1);
    expect(pool.available).toBe(3);
    pool.fill(mc, 0);
    expect(pool.available).toBe(3);
  });

  it('resolves to what the function does, and takes the client back', async () => {
    const pool = pooled(connect(servers()), 1);
    const key = uniqueKey();
    expect(await pool.reserve((mc) => mc.set(key, 'value'))).toBe(true);
    expect(await pool.reserve((mc) => mc.get(key))).toBe('value');
    expect(await pool.reserve(() => 'synchronous')).toBe('synchronous');
    expect(pool.available).toBe(1);
  });

  it('rejects as the function does, and takes the client back', async () => {
    const pool = pooled(connect(servers()), 1);
    const error = new Error('of the function');
    expect(await failure(pool.reserve(() => Promise.reject(error)))).toBe(error);
    const throwing = (): never => {
      throw error;
    };
    expect(await failure(pool.reserve(throwing))).toBe(error);
    expect(pool.available).toBe(1);
  });

  it('rejects with Busy if none is left', async () => {
    const pool = pooled(connect(servers()), 1);
    await pool.reserve(async () => {
      expect(await failure(pool.reserve(() => 'never'))).toMatchObject({
        name: 'Busy',
        code: 'ERR_MEMCACHED_BUSY',
        operation: 'reserve',
      });
    });
    expect(await failure(pooled().reserve(() => 'never'))).toMatchObject({ name: 'Busy' });
    expect(await pool.reserve(() => 'free again')).toBe('free again');
  });

  it('waits with block, in order, and bounds how many work at a time', async () => {
    const pool = pooled(connect(servers()), 2);
    const order: number[] = [];
    let [working, most] = [0, 0];
    const jobs = Array.from({ length: 10 }, (_, index) =>
      pool.reserve(
        async (mc) => {
          order.push(index);
          most = Math.max(most, ++working);
          await mc.set(uniqueKey(), index);
          await sleep(1);
          --working;
          return index;
        },
        { block: true },
      ),
    );
    expect(await Promise.all(jobs)).toEqual(order);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(most).toBe(2);
    expect(pool.available).toBe(2);
  });

  it('hands a client on to one that waits when it is filled', async () => {
    const mc = connect(servers());
    const pool = pooled();
    const job = pool.reserve((client) => client.set(uniqueKey(), 1), { block: true });
    pool.fill(mc, 1);
    expect(await job).toBe(true);
  });

  it.each([-1, 1.5, NaN, Infinity, '2'])('refuses to be filled with %p', (slots) => {
    const mc = connect(servers());
    expect(thrown(() => pooled(mc, slots as never))).toBeInstanceOf(slots === '2' ? Error : RangeError);
    expect(
      thrown(() => {
        pooled().fill(mc, slots as never);
      }).message,
    ).toContain('slots');
  });

  it('closes its clients', async () => {
    const pool = pooled(connect(servers()), 1);
    let inside: Client | undefined;
    await pool.reserve((mc) => {
      inside = mc;
      return mc.get('key');
    });
    await pool.close();
    expect(pool.available).toBe(0);
    expect(await failure((inside as Client).get('key'))).toMatchObject({ name: 'ClientClosed' });
  });

  it('waits no longer than it may', async () => {
    const pool = pooled(connect(servers()), 1);
    const controller = new AbortController();
    await pool
      .reserve(async (mc) => {
        const late = failure(pool.reserve(() => 'never', { block: true, timeout: 50 }));
        const aborted = failure(pool.reserve(() => 'never', { block: true, signal: controller.signal }));
        const patient = pool.reserve((other) => other === mc, { block: true, timeout: 5000 });
        expect(await late).toMatchObject({ name: 'TimeoutError', operation: 'reserve' });
        controller.abort();
        expect((await aborted).name).toBe('AbortError');
        return [patient];
      })
      .then(async ([patient]) => {
        expect(await patient).toBe(true);
      });
    expect(pool.available).toBe(1);
    for (const wrong of [{ timeout: 0 }, { signal: 5 }, null])
      expect((await failure(pool.reserve(() => 1, wrong as never))).name).toMatch(/^(Type|Range)Error$/);
  });

  it('closed, it takes nobody in, and closes the clients that come back', async () => {
    const pool = pooled(connect(servers()), 1);
    const closed = { name: 'ClientClosed', operation: 'reserve' };
    let inside: Client | undefined;
    await pool.reserve(async (mc) => {
      inside = mc;
      const waiting = failure(pool.reserve(() => 'never', { block: true }));
      await pool.close();
      expect(await waiting).toMatchObject(closed);
      expect(await mc.get('key', 'still open')).toBe('still open');
    });
    expect(pool.available).toBe(0);
    expect(await failure((inside as Client).get('key'))).toMatchObject({ name: 'ClientClosed' });
    expect(await failure(pool.reserve(() => 1))).toMatchObject(closed);
    expect(
      thrown(() => {
        pool.fill(inside as Client, 1);
      }),
    ).toMatchObject({ name: 'ClientClosed' });
  });
});
