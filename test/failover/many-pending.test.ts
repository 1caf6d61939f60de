// A hundred thousand operations that a stopped server does not answer: they run out of time, are destroyed or given up
// without the event loop standing still.

import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { slowness } from '../support/sanitizers';
import { MARGIN, protocols, sleep, useClients } from '../support/failover-clusters';

const connect = useClients();
const many = 100_000;
/** About 10 ms are meant. This is for a machine that does something else as well; all at once took 0.7 s. */
const LONGEST_TURN = 150 * slowness;

let server: MemcachedServer;
beforeEach(async () => {
  server = await startMemcached();
});
afterEach(async () => {
  server.resume();
  await stopAll();
});

/** Measures the longest time for which nothing else had its turn, from the call to the end of `work`. */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isOver = true;
  look();
  return longest;
}

interface Tally {
  settled: number;
  names: Record<string, number>;
  all: Promise<void>;
}

/** What becomes of operations, without keeping a promise for each. */
function tallyOf(expected: number): { tally: Tally; watch: (promise: Promise<unknown>) => void } {
  let resolve = (): void => undefined;
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  const tally: Tally = { settled: 0, names: {}, all };
  const count = (name: string): void => {
    tally.names[name] = (tally.names[name] ?? 0) + 1;
    if (++tally.settled === expected) resolve();
  };
  const watch = (promise: Promise<unknown>): void => {
    promise.then(
      () => {
        count('ok');
      },
      (error: unknown) => {
        count((error as Error).name);
      },
    );
  };
  return { tally, watch };
}

describe.each(protocols)('binary: %s', (binary) => {
  /** Operations on a server that has stopped, called over several turns. */
  async function pending(timeout: number) {
    const mc = connect(server, { binary, timeout });
    await mc.set('warm', 1, { timeout: 5000 });
    server.suspend();
    await sleep(30);
    const { tally, watch } = tallyOf(many);
    for (let index = 0; index < many; ++index) {
      watch(index % 2 === 0 ? mc.get(`pending-${index}`) : mc.set(`pending-${index}`, index));
      if (index % 1000 === 999) await new Promise((resolve) => setImmediate(resolve));
    }
    return { mc, tally };
  }

  it('run out of time', async () => {
    const timeout = 3000 * slowness;
    const start = performance.now();
    const { mc, tally } = await pending(timeout);
    const called = performance.now() - start;
    const longest = await longestTurn(() => tally.all);
    expect(longest).toBeLessThan(LONGEST_TURN);
    const { TimeoutError = 0, ServerDown = 0 } = tally.names;
    expect(TimeoutError + ServerDown).toBe(many);
    expect(performance.now() - start).toBeLessThan(called + timeout + 5 * MARGIN);
    expect(mc.metrics().pending).toBe(0);
    server.resume();
    await mc.close();
  });

  it('are destroyed: all reject, whatever is answered meanwhile', async () => {
    const { mc, tally } = await pending(60_000);
    const longest = await longestTurn(async () => {
      mc.destroy();
      mc.destroy();
      server.resume(); // its answers come while the rejections are under way
      await tally.all;
    });
    expect(longest).toBeLessThan(LONGEST_TURN);
    expect(tally.names).toEqual({ ClientClosed: many });
    await mc.close();
    await expect(mc.get('key')).rejects.toMatchObject({ name: 'ClientClosed' });
    expect(mc.metrics().pending).toBe(0);
  });

  it('close that waits for them ends when they are destroyed', async () => {
    const { mc, tally } = await pending(60_000);
    let isClosed = false;
    const closing = mc.close().then(() => {
      isClosed = true;
    });
    await sleep(20);
    expect(isClosed).toBe(false);
    mc.destroy();
    await Promise.all([closing, tally.all]);
    expect(tally.names).toEqual({ ClientClosed: many });
  });

  it('what is called while the overdue are settled has its own deadline', async () => {
    const { mc, tally } = await pending(2000 * slowness);
    while (tally.settled === 0) await sleep(1);
    const start = performance.now();
    await expect(mc.get('later', undefined, { timeout: 100 })).rejects.toMatchObject({
      name: expect.stringMatching(/^(TimeoutError|ServerDown)$/),
    });
    expect(performance.now() - start).toBeLessThan(100 + 2 * MARGIN);
    await tally.all;
  });
});
