import { uniqueKey } from '../support/unique-keys';
import { startSilentServer } from '../support/fake-servers';
import { failure, inEveryProtocol, stored, useClients } from '../support/clients';

const connect = useClients();
const busy = { name: 'Busy', code: 'ERR_MEMCACHED_BUSY', outcomeUnknown: false };

inEveryProtocol(({ connect: connectTo, server }) => {
  it('refuses what is more than maxPending, and nothing else', async () => {
    const mc = connectTo({ maxPending: 10 });
    const keys = Array.from({ length: 15 }, () => uniqueKey());
    const settled = await Promise.allSettled(keys.map((key) => mc.set(key, 1)));
    expect(settled.map(({ status }) => status)).toEqual(
      keys.map((_key, index) => (index < 10 ? 'fulfilled' : 'rejected')),
    );
    const error = (settled[10] as PromiseRejectedResult).reason as Error;
    expect(error).toMatchObject({ ...busy, operation: 'set' });
    expect(error.message).toContain('10');
    expect(await stored(server(), keys[9] as string)).toBeDefined();
    expect(await stored(server(), keys[10] as string)).toBeUndefined();
  });

  it('takes more when those have settled', async () => {
    const mc = connectTo({ maxPending: 3 });
    for (let round = 0; round < 20; ++round) {
      const results = await Promise.all([1, 2, 3].map((value) => mc.set(`busy-${value}`, value)));
      expect(results).toEqual([true, true, true]);
    }
  });

  it('a multi counts all its keys, and is refused as a whole', async () => {
    const mc = connectTo({ maxPending: 5 });
    const keys = Array.from({ length: 6 }, () => uniqueKey());
    expect(await failure(mc.setMulti(keys.map((key) => [key, 1] as const)))).toMatchObject(busy);
    expect(await failure(mc.getMulti(keys))).toMatchObject(busy);
    expect(await stored(server(), keys[0] as string)).toBeUndefined();
    expect(await mc.setMulti(keys.slice(0, 5).map((key) => [key, 1] as const))).toEqual([]);
    expect((await mc.getMulti(keys.slice(0, 5))).size).toBe(5);
  });

  it('what is refused for other reasons takes no place', async () => {
    const mc = connectTo({ maxPending: 2 });
    for (let count = 0; count < 10; ++count) {
      await failure(mc.get(''));
      await failure(mc.set('key', undefined));
      await failure(mc.incr('key', -1));
      await failure(mc.get('key', undefined, { signal: AbortSignal.abort() }));
    }
    expect(await Promise.all([mc.set('key', 1), mc.get('key')])).toEqual([true, 1]);
  });
});

it('counts what waits for a silent server', async () => {
  const silent = await startSilentServer();
  const mc = connect(silent, { maxPending: 2, timeout: 300, binary: false });
  const pending = [failure(mc.get('a')), failure(mc.get('b'))];
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await failure(mc.get('c'))).toMatchObject(busy);
  expect(await failure(mc.version())).toMatchObject(busy);
  for (const error of await Promise.all(pending)) expect(error.name).toBe('TimeoutError');
  await silent.stop();
});
