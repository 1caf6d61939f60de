// A server that comes back is found out by one request, not by a stampede; and a restart that nobody noticed stays unnoticed.

import { rawCommand } from '../support/raw-command';
import { startMemcached, type MemcachedServer } from '../support/memcached-servers';
import {
  AT_ONCE,
  protocols,
  sleep,
  tally,
  timed,
  until,
  useClients,
  useProxiedServer,
  type Timed,
} from '../support/failover-clusters';

const { server, proxy } = useProxiedServer();
const connect = useClients();

describe.each(protocols)('binary: %s', (binary) => {
  it.each(['ignore', 'serve'] as const)('one probe while nobody knows: new connections %s', async (welcome) => {
    const mc = connect(proxy(), { binary, timeout: 600, behaviors: { retry_timeout: 1 } });
    await mc.set('key', 1, { timeout: 5000 });
    await proxy().listen(false);
    proxy().cut();
    await until(async () => (await timed(mc.get('key'))).outcome === 'ServerDown');
    await sleep(1050);
    // It accepts again, and says nothing at first.
    proxy().welcome = welcome;
    proxy().set('answers', { hold: true });
    await proxy().listen(true);
    proxy().forget();
    const calls: Promise<Timed<unknown>>[] = [];
    for (let turn = 0; turn < 20; ++turn) {
      for (let index = 0; index < 10; ++index) calls.push(timed(mc.get(`stampede-${turn}-${index}`)));
      await sleep(10);
    }
    expect(proxy().accepted).toBe(1);
    // Those of the first turn ride along with the probe; what follows ends at once. On the wire there is only a greeting.
    expect(proxy().requests.includes('stampede')).toBe(false);
    const later = await Promise.all(calls.slice(20));
    expect(tally(later)).toEqual({ ServerDown: 180 });
    expect(Math.max(...later.map(({ milliseconds }) => milliseconds))).toBeLessThan(2 * AT_ONCE);
    if (welcome === 'ignore') {
      // The probe fails: down again, and nobody tries.
      expect(tally(await Promise.all(calls.slice(0, 10)))).toEqual({ TimeoutError: 10 });
      expect((await timed(mc.get('key'))).outcome).toBe('ServerDown');
      expect(proxy().accepted).toBe(1);
      return;
    }
    proxy().heal();
    expect(tally(await Promise.all(calls.slice(0, 10)))).toEqual({ ok: 10 });
    expect(await mc.get('key')).toBe(1);
    expect(proxy().accepted).toBe(1);
  });

  it('a dead server that is out of the distribution is probed by ourselves, once in a dead_timeout', async () => {
    const other = await startMemcached();
    const behaviors = { ketama: true, remove_failed: 1, retry_timeout: 1, dead_timeout: 1 };
    const mc = connect([proxy(), other], { binary, timeout: 1000, behaviors });
    const keys = Array.from({ length: 40 }, (_, index) => `probe-${index}`);
    const key = keys.find((each) => mc.serverFor(each) === proxy().address) ?? '';
    proxy().welcome = 'slam';
    await timed(mc.set(key, 1));
    await until(async () => (await timed(mc.set(key, 1))).outcome === 'ok'); // elsewhere
    proxy().forget();
    const end = Date.now() + 2500;
    const results: Timed<unknown>[] = [];
    while (Date.now() < end) {
      results.push(...(await Promise.all(keys.map((each) => timed(mc.get(each))))));
      await sleep(10);
    }
    expect(tally(results)).toEqual({ ok: results.length });
    expect(proxy().accepted).toBeGreaterThanOrEqual(2);
    expect(proxy().accepted).toBeLessThanOrEqual(3);
    await other.stop();
  });

  it('a connection that broke is not a server that failed', async () => {
    const mc = connect(proxy(), { binary, timeout: 3000, behaviors: { retry_timeout: 60 } });
    for (let round = 0; round < 5; ++round) {
      expect(await mc.set('key', round, { timeout: 5000 })).toBe(true);
      proxy().cut(round % 2 === 0 ? 'reset' : 'close');
      await until(() => proxy().open === 0);
      expect(await mc.get('key')).toBe(round); // reads are asked again
      expect(mc.explain('key').serverState).toBe('up');
    }
    proxy().cut();
    const { outcome, error } = await timed(mc.set('key', 'lost'));
    if (outcome !== 'ok') expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
    expect(await timed(mc.set('key', 'again'))).toMatchObject({ outcome: 'ok' });
  });

  describe.each(['tcp', 'unix'] as const)('%s', (transport) => {
    let own: MemcachedServer;
    beforeEach(async () => {
      own = await startMemcached({ transport });
    });
    afterEach(() => own.stop());

    it('a restart is not seen by reads', async () => {
      const mc = connect(own, { binary, timeout: 5000 });
      for (let round = 0; round < 3; ++round) {
        await mc.set('before', 1);
        await own.restart();
        await rawCommand(own, 'set after 0 0 1\r\nx\r\n');
        if (round === 0) expect(await mc.get('before', 'miss')).toBe('miss');
        if (round === 1)
          expect(await mc.getMulti(['before', 'after', 'missing'])).toEqual(new Map([['after', Buffer.from('x')]]));
        if (round === 2)
          expect(await Promise.all([mc.gets('before'), mc.has('after')])).toEqual([[undefined, undefined], true]);
      }
    });

    it('of writes, at most those that were on their way fail, and say that nobody knows', async () => {
      const mc = connect(own, { binary, timeout: 5000 });
      await mc.set('key', 1);
      await own.restart();
      const { outcome, error } = await timed(mc.set('key', 2));
      if (outcome !== 'ok') expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: true });
      expect(await mc.set('key', 3)).toBe(true);
      expect(await mc.get('key')).toBe(3);
    });
  });
});

it('all of the operations under way when the server dies settle soon', async () => {
  const own = await startMemcached();
  const mc = connect(own, { binary: true, timeout: 10_000 });
  await mc.set('key', 1);
  const calls = Array.from({ length: 5000 }, (_, index) => timed(index % 2 ? mc.get(`k${index}`) : mc.incr('key')));
  await sleep(3);
  await own.kill();
  const start = performance.now();
  await Promise.all(calls);
  expect(performance.now() - start).toBeLessThan(2000);
  expect(server().running).toBe(true);
});
