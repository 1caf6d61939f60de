// The event loop belongs to the program: what a client takes of it, and gives back (rows O2, O7, O8).
// Loops that were blocked: test/integration/blocked-loop.test.ts. 100,000 that run out of time, are destroyed or closed:
// test/failover/many-pending.test.ts. One server that hangs: test/failover/isolation.test.ts. Ends: test/lifecycle.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Client, Codec } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { sanitizerEnvironment, slowness } from '../support/sanitizers';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { MARGIN, protocols, sleep, tally, timed, until, useClients } from '../support/failover-clusters';

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

/** Measures the longest time for which nothing else had its turn. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
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

interface Ended {
  code: number | null;
  output: string;
  stderr: string;
  endedAt: number;
}

async function run(script: string, args: readonly (string | number | boolean)[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(__dirname, 'scripts', script), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...sanitizerEnvironment },
  });
  let [output, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = new Promise<number>((resolve) => {
    child.once('exit', () => {
      resolve(Date.now());
    });
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, stderr, endedAt: await exited };
}

describe.each(protocols)('binary: %s', (binary) => {
  describe('O2: what has arrived is read before anything expires', () => {
    const calls: [string, (mc: Client, key: string) => Promise<unknown>, unknown][] = [
      ['get', (mc, key) => mc.get(key), 1],
      ['set', (mc, key) => mc.set(key, 2), true],
      ['incr', (mc, key) => mc.incr(key), 2],
      ['getMulti', (mc, key) => mc.getMulti([key]).then((found) => found.size), 1],
      ['version', (mc) => mc.version().then((versions) => versions.size), 1],
    ];

    it.each(calls)('%s, then 150 ms of computing that begins as soon as it has left', async (_name, call, expected) => {
      const mc = connect(server, { binary, timeout: 100 });
      for (let round = 0; round < 3; ++round) {
        const key = uniqueKey();
        await mc.set(key, 1, { timeout: 5000 });
        const calling = call(mc, key);
        process.nextTick(block, 150);
        expect(await calling).toBe(expected);
      }
      expect(mc.metrics().servers[0]).toMatchObject({ errors: 0, state: 'up', reconnects: 0 });
    });

    it('a call, then 150 ms of computing before it can leave: not sent, and that is said', async () => {
      const mc = connect(server, { binary, timeout: 100 });
      const key = uniqueKey();
      await mc.set(key, 1, { timeout: 5000 });
      const calling = timed(mc.set(key, 'too late'));
      block(150);
      const { outcome, error } = await calling;
      expect(outcome).toBe('TimeoutError');
      expect(error?.outcomeUnknown).toBe(false);
      expect(await mc.get(key)).toBe(1);
    });

    it('blocked again and again, with hundreds in flight', async () => {
      const mc = connect(server, { binary, timeout: 150 });
      await mc.get('warm', undefined, { timeout: 5000 });
      for (let round = 0; round < 5; ++round) {
        const results = Array.from({ length: 300 }, (_, index) => timed(mc.set(`blocked-${String(index)}`, index)));
        process.nextTick(block, 200);
        expect(tally(await Promise.all(results))).toEqual({ ok: 300 });
      }
    });
  });

  describe('O7: no turn takes long', () => {
    /** How many values were read, at most, without anything else having had its turn. */
    async function maxInOneTurn(read: (each: () => void) => Promise<unknown>): Promise<number> {
      let [most, now, isOver] = [0, 0, false];
      const look = (): void => {
        most = Math.max(most, now);
        now = 0;
        if (!isOver) setImmediate(look);
      };
      setImmediate(look);
      await read(() => ++now);
      isOver = true;
      look();
      return most;
    }

    /** A codec that takes 6 ms to read a value. */
    const slowly = (each: () => void): Codec => ({
      serialize: (value) => [Buffer.from(String(value)), 0],
      deserialize: (data) => {
        block(6);
        each();
        return data.length;
      },
    });

    it.each<[string, number, object]>([
      ['small', 100, {}],
      ['large', 100_000, {}],
      ['compressed', 200_000, { minCompressLen: 1 }],
    ])('%s values that take long to read: the clock is looked at within a round', async (_name, length, options) => {
      const keys = Array.from({ length: 60 }, (_, index) => `slow-${String(index)}`);
      let onRead = (): void => undefined;
      const codec = slowly(() => {
        onRead();
      });
      const mc = connect(server, { binary, timeout: 30_000, codec });
      await Promise.all(keys.map((key) => mc.set(key, 'x'.repeat(length), options)));
      for (const read of [
        (): Promise<unknown> => Promise.all(keys.map((key) => mc.get(key))),
        () => mc.getMulti(keys),
      ]) {
        await mc.get(keys[0] as string); // how long it takes is known by now
        const most = await maxInOneTurn((each) => {
          onRead = each;
          return read();
        });
        expect(most).toBeLessThanOrEqual(4);
      }
    });

    it('the first values of which nobody knows how long they take', async () => {
      const keys = Array.from({ length: 256 }, (_, index) => `unknown-${String(index)}`);
      const plain = connect(server, { binary });
      await plain.setMulti(keys.map((key) => [key, Buffer.alloc(10)] as const));
      let onRead = (): void => undefined;
      const codec = slowly(() => {
        onRead();
      });
      const mc = connect(server, { binary, timeout: 30_000, codec });
      await Promise.all(keys.map((key) => mc.delete(`${key}-none`)));
      const most = await maxInOneTurn((each) => {
        onRead = each;
        return Promise.all(keys.map((key) => mc.get(key)));
      });
      expect(most).toBeLessThanOrEqual(20);
    });

    it('small values of which many are read at once', async () => {
      const mc = connect(server, { binary, timeout: 30_000 });
      const value = Array.from({ length: 500 }, (_, index) => ({ index, more: 'some text' }));
      const keys = Array.from({ length: 1000 }, (_, index) => `small-${String(index)}`);
      await mc.setMulti(keys.map((key) => [key, value] as const));
      const longest = await longestTurn(() => Promise.all(keys.map((key) => mc.get(key))));
      expect(longest).toBeLessThan(100 * slowness);
    });

    it('thousands given up by a signal each', async () => {
      const own = await startMemcached();
      const mc = connect(own, { binary, timeout: 60_000 });
      await mc.get('warm');
      own.suspend();
      const many = 20_000;
      const aborts: AbortController[] = [];
      const results: Promise<unknown>[] = [];
      for (let index = 0; index < many; ++index) {
        const abort = new AbortController();
        aborts.push(abort);
        results.push(
          mc
            .get(`given-${String(index)}`, undefined, { signal: abort.signal })
            .catch((error: unknown) => (error as Error).name),
        );
        if (index % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      for (const abort of aborts) abort.abort();
      expect(new Set(await Promise.all(results))).toEqual(new Set(['AbortError']));
      own.resume();
      await until(() => mc.metrics().servers[0]?.inFlight === 0);
      expect(mc.metrics()).toMatchObject({ pending: 0 });
      expect(await mc.get('given-1', 'miss')).toBe('miss');
      await own.stop();
    });

    it('values that are decompressed by the hundred', async () => {
      const mc = connect(server, { binary, timeout: 30_000 });
      const keys = Array.from({ length: 300 }, (_, index) => `zipped-${String(index)}`);
      for (const key of keys) await mc.set(key, 'some text '.repeat(3000), { minCompressLen: 100 });
      const longest = await longestTurn(() => Promise.all(keys.map((key) => mc.get(key))));
      expect(longest).toBeLessThan(100 * slowness);
    });
  });

  describe('O8: the end is at once', () => {
    it.each([1, 10, 40])('process.exit() with %i clients in flight', async (count) => {
      const own = await startMemcached();
      own.suspend();
      for (const target of [own, server]) {
        const { code, output, stderr, endedAt } = await run('exits.mjs', ['exit', target.address, binary, count]);
        expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
        expect(endedAt - Number(output)).toBeLessThan(150 * slowness);
      }
      own.resume();
      await own.stop();
    });

    it.each([1, 10, 40])('worker.terminate() with %i clients in flight', async (count) => {
      const own = await startMemcached();
      own.suspend();
      for (const target of [own, server]) {
        const { code, output, stderr } = await run('exits.mjs', ['terminate', target.address, binary, count]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(Number(output)).toBeLessThan(150 * slowness);
      }
      own.resume();
      await own.stop();
    });
  });

  it('an idle client never wakes the process, and has no thread', async () => {
    interface Cost {
      wakeups: number;
      threads: number;
    }
    const costs = await Promise.all(
      [true, false].map(async (hasClient) => {
        const { output, stderr } = await run('idle.mjs', ['all', server.address, binary, hasClient, 3000]);
        expect(stderr).toBe('');
        return JSON.parse(output) as Cost;
      }),
    );
    const [withClient, without] = costs as [Cost, Cost];
    // Reading the numbers takes a few itself; a timer of 100 ms would be 30.
    expect(withClient.wakeups).toBeLessThanOrEqual(without.wakeups + 3);
    expect(withClient.threads).toBe(without.threads);
  });

  it('destroyed at any moment: all settles, nothing is counted any longer', async () => {
    for (let round = 0; round < 40; ++round) {
      const mc = connect(server, { binary, timeout: 2000 });
      const pending: Promise<{ outcome: string }>[] = [];
      const begin = (): void => {
        for (let index = 0; index < 50; ++index) {
          const key = `destroyed-${String(index)}`;
          pending.push(timed(mc.set(key, 'x'.repeat(index * 1000), { minCompressLen: 500 })), timed(mc.get(key)));
        }
        pending.push(
          timed(mc.getMulti(Array.from({ length: 500 }, (_, index) => `none-${String(index)}`))),
          timed(mc.disconnectAll()),
        );
      };
      begin();
      if (round % 4 === 0) await sleep(round / 8);
      if (round % 4 === 1) await pending[round];
      if (round % 4 === 2) await new Promise((resolve) => setImmediate(resolve));
      begin();
      mc.destroy();
      const start = performance.now();
      for (const { outcome } of await Promise.all(pending)) expect(['ok', 'ClientClosed']).toContain(outcome);
      expect(performance.now() - start).toBeLessThan(MARGIN);
      expect(mc.metrics().pending).toBe(0);
    }
  });
});
