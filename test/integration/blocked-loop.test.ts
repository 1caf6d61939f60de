// A loop that was blocked: what has arrived meanwhile is an answer, not a timeout.

import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { startSilentServer } from '../support/fake-servers';
import { failure, protocols, sleep, useClients } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached();
});
afterAll(stopAll);

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Blocks the loop when the requests of this tick have left, for as long again as an answer takes. */
function blockAfterSending(milliseconds: number): void {
  process.nextTick(block, milliseconds);
}

describe.each(protocols)('binary: %s', (binary) => {
  async function connected(timeout: number): Promise<Client> {
    const mc = connect(server, { binary, timeout });
    await mc.get(uniqueKey(), undefined, { timeout: 5000 });
    return mc;
  }

  it("longer than the client's timeout", async () => {
    const mc = await connected(100);
    const [key, other] = [uniqueKey(), uniqueKey()];
    for (let round = 0; round < 5; ++round) {
      const calls = [mc.set(key, round), mc.get(key), mc.add(other, 1), mc.getMulti([key, 'none']), mc.incr(key)];
      blockAfterSending(200);
      expect(await Promise.all(calls)).toEqual([true, round, round === 0, new Map([[key, round]]), round + 1]);
    }
    expect(mc.metrics().servers[0]).toMatchObject({ errors: 0, state: 'up', reconnects: 0 });
  });

  it("longer than a call's own timeout", async () => {
    const mc = await connected(10_000);
    const key = uniqueKey();
    for (let round = 0; round < 5; ++round) {
      const options = { timeout: 50 };
      const calls = [mc.set(key, round, options), mc.get(key, undefined, options), mc.touch(key, 0, options)];
      blockAfterSending(150);
      expect(await Promise.all(calls)).toEqual([true, round, true]);
    }
  });

  it('with more to read than one turn takes', async () => {
    const mc = await connected(500);
    const keys = Array.from({ length: 400 }, () => uniqueKey());
    const value = { text: 'x'.repeat(20_000) };
    await mc.setMulti(
      keys.map((key) => [key, value] as const),
      { timeout: 10_000 },
    );
    // Sockets hold less than that: the rest comes while the first answers are read.
    const reading = keys.map((key) => mc.get(key));
    blockAfterSending(600);
    const settled = await Promise.allSettled(reading);
    const read = settled.filter(({ status }) => status === 'fulfilled');
    expect(read.length).toBeGreaterThan(20);
    for (const result of read) expect(result).toMatchObject({ value });
    for (const result of settled)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'TimeoutError' });
    expect(await mc.get(keys[0] as string, undefined, { timeout: 5000 })).toEqual(value);
  });

  it('what was not answered is a timeout, then as ever', async () => {
    const silent = await startSilentServer();
    const mc = connect(silent, { binary, timeout: 100 });
    const start = performance.now();
    const reading = failure(mc.get('key'));
    blockAfterSending(200);
    expect((await reading).name).toBe('TimeoutError');
    expect(performance.now() - start).toBeLessThan(200 + 300);
    await silent.stop();
  });

  it('deadlines are kept while answers of others pour in', async () => {
    const mc = await connected(10_000);
    const silent = await startSilentServer();
    const other = connect(silent, { binary, timeout: 10_000 });
    const key = uniqueKey();
    await mc.set(key, 'x'.repeat(100_000));
    let isOver = false;
    const load = Array.from({ length: 50 }, async () => {
      while (!isOver) await mc.get(key);
    });
    await sleep(50);
    const start = performance.now();
    expect((await failure(other.get('key', undefined, { timeout: 200 }))).name).toBe('TimeoutError');
    const elapsed = performance.now() - start;
    isOver = true;
    await Promise.all(load);
    expect(elapsed).toBeGreaterThan(195);
    expect(elapsed).toBeLessThan(200 + 400);
    await silent.stop();
  });
});
