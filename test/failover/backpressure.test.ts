// A caller that is faster than its server: what is in flight is bounded, and so is memory.

import {
  failure,
  MARGIN,
  sleep,
  tally,
  timed,
  until,
  useClients,
  useProxiedServer,
} from '../support/failover-clusters';

const { proxy } = useProxiedServer();
const connect = useClients();

describe.each([true, false])('binary: %s', (binary) => {
  it('maxPending: one more is Busy, at once, and never sent', async () => {
    const mc = connect(proxy(), { binary, maxPending: 100, timeout: 5000 });
    await mc.set('warm', 1);
    proxy().set('answers', { hold: true });
    const pending = Array.from({ length: 100 }, (_, index) => timed(mc.get(`pending-${index}`)));
    const calls: [string, () => Promise<unknown>][] = [
      ['get', () => mc.get('refused')],
      ['set', () => mc.set('refused', 1)],
      ['incr', () => mc.incr('refused')],
      ['getMulti', () => mc.getMulti(['refused'])],
      ['setMulti', () => mc.setMulti({ refused: 1 })],
      ['version', () => mc.version()],
    ];
    for (const [name, call] of calls) {
      const { outcome, error, milliseconds } = await timed(call());
      expect([name, outcome]).toEqual([name, 'Busy']);
      expect(error).toMatchObject({ code: 'ERR_MEMCACHED_BUSY', outcomeUnknown: false });
      expect(milliseconds).toBeLessThan(50);
    }
    proxy().heal();
    expect(tally(await Promise.all(pending))).toEqual({ ok: 100 });
    expect(proxy().requests.includes('refused')).toBe(false);
    expect(await mc.get('warm')).toBe(1); // there is room again
  });

  it('a multi-get that does not fit is refused as a whole', async () => {
    const mc = connect(proxy(), { binary, maxPending: 10, timeout: 5000 });
    const keys = Array.from({ length: 11 }, (_, index) => `many-${index}`);
    expect((await failure(mc.getMulti(keys))).name).toBe('Busy');
    expect(await mc.getMulti(keys.slice(1))).toEqual(new Map());
    expect(proxy().requests.includes('many-0')).toBe(false);
  });

  it('calls that timed out make room when the connection gives them back', async () => {
    const mc = connect(proxy(), { binary, maxPending: 50, timeout: 300, behaviors: { retry_timeout: 0 } });
    await mc.set('warm', 1, { timeout: 5000 });
    proxy().set('answers', { hold: true });
    for (let round = 0; round < 3; ++round) {
      const results = await Promise.all(Array.from({ length: 50 }, () => timed(mc.get('warm'))));
      expect(Math.max(...results.map(({ milliseconds }) => milliseconds))).toBeLessThan(300 + MARGIN);
      await until(async () => (await timed(mc.get('warm', undefined, { timeout: 20 }))).outcome !== 'Busy');
    }
    proxy().heal();
    await until(async () => (await timed(mc.get('warm', undefined, { timeout: 3000 }))).outcome === 'ok');
  });

  it('memory is bounded when the server is slow and the caller is not', async () => {
    const mc = connect(proxy(), { binary, maxPending: 200, timeout: 20_000 });
    const value = Buffer.alloc(50_000, 'v');
    await mc.set('warm', 1);
    proxy().set('requests', { rate: 2_000_000 });
    const before = process.memoryUsage().rss;
    const outcomes: Record<string, number> = {};
    let most = 0;
    for (let turn = 0; turn < 200; ++turn) {
      for (let index = 0; index < 100; ++index) {
        mc.set(`slow-${index}`, value).then(
          () => (outcomes.ok = (outcomes.ok ?? 0) + 1),
          (error: unknown) => (outcomes[(error as Error).name] = (outcomes[(error as Error).name] ?? 0) + 1),
        );
      }
      await sleep(2);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    mc.destroy();
    await sleep(20);
    // 20,000 calls with 1 GB; 200 of them, with 10 MB, are kept.
    expect(outcomes.Busy).toBeGreaterThan(15_000);
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(20_000);
    expect(most / 2 ** 20).toBeLessThan(150);
  });
});
