// A server that hangs is the business of its own keys: others do not wait for it, and the event loop never does.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  AT_ONCE,
  failure,
  MARGIN,
  protocols,
  sleep,
  tally,
  timed,
  useClients,
  useFreshServers,
} from '../support/failover-clusters';

const servers = useFreshServers(3);
const connect = useClients();

const keys = Array.from({ length: 60 }, (_, index) => `isolated-${index}`);

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

describe.each(protocols)('binary: %s', (binary) => {
  it.each(['while it was in use', 'before it was ever used'])('a server of three that hangs %s', async (when) => {
    const mc = connect(servers(), { binary, timeout: 800 });
    const entries = Object.fromEntries(keys.map((key) => [key, key]));
    const other = connect(servers(), { binary });
    expect(await other.setMulti(entries)).toEqual([]);
    if (when === 'while it was in use') await mc.getMulti(keys, { timeout: 5000 });

    const [hung] = servers();
    hung?.suspend();
    const isHung = (key: string): boolean => mc.serverFor(key) === hung?.address;
    const stuck = keys.filter(isHung);
    const free = keys.filter((key) => !isHung(key));
    expect(stuck.length).toBeGreaterThan(5);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const late = stuck.map((key) => timed(mc.get(key)));
    const latencies: number[] = [];
    for (let round = 0; round < 10; ++round) {
      for (const result of await Promise.all(free.map((key) => timed(mc.get(key))))) {
        expect(result.outcome).toBe('ok');
        latencies.push(result.milliseconds);
      }
      await sleep(20);
    }
    delay.disable();
    expect(median(latencies)).toBeLessThan(AT_ONCE);
    expect(Math.max(...latencies)).toBeLessThan(600);
    expect(delay.percentile(50) / 1e6).toBeLessThan(50);
    expect(delay.max / 1e6).toBeLessThan(500);
    const results = await Promise.all(late);
    expect(tally(results)).toEqual({ TimeoutError: stuck.length });
    expect(Math.max(...results.map(({ milliseconds }) => milliseconds))).toBeLessThan(800 + MARGIN);
    hung?.resume();
  });
});

it('a multi-get gives up only what the hung server has', async () => {
  const mc = connect(servers(), { timeout: 500 });
  await mc.setMulti(Object.fromEntries(keys.map((key) => [key, key])), { timeout: 5000 });
  const [, hung] = servers();
  hung?.suspend();
  const start = performance.now();
  const error = await failure(mc.getMulti(keys));
  expect(performance.now() - start).toBeLessThan(500 + MARGIN);
  const stuck = keys.filter((key) => mc.serverFor(key) === hung?.address);
  expect(error.failedKeys).toEqual(stuck);
  expect((error.values as Map<string, unknown>).size).toBe(keys.length - stuck.length);
  hung?.resume();
});

// Timers stand for everything else that the thread has to do: sockets, other clients, deadlines.
describe('timers run on while operations settle one upon the other', () => {
  const operations = 20_000;
  const callers = 500;

  /** How many operations settled, at most, before a timer had its turn; each caller asks again in the reaction to an answer. */
  async function maxBetweenTurns(operation: () => Promise<unknown>): Promise<number> {
    let settled = 0;
    let settledBefore = 0;
    let most = 0;
    const look = (): void => {
      most = Math.max(most, settled - settledBefore);
      settledBefore = settled;
    };
    const timer = setInterval(look, 1);
    const caller = async (): Promise<void> => {
      while (settled < operations) {
        await operation().catch(() => undefined);
        ++settled;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    clearInterval(timer);
    look();
    return most;
  }

  it('refused at once', async () => {
    const mc = connect('127.0.0.1:1', { behaviors: { retry_timeout: 60 } });
    expect((await failure(mc.get('key'))).name).toBe('ConnectionError');
    expect((await failure(mc.get('key'))).name).toBe('ServerDown');
    expect(await maxBetweenTurns(() => mc.get('key'))).toBeLessThan(5000);
  });

  it('answered faster than their callers can use it', async () => {
    const mc = connect(servers());
    const work = async (): Promise<void> => {
      await mc.get('key');
      const end = performance.now() + 0.05;
      while (performance.now() < end);
    };
    expect(await maxBetweenTurns(work)).toBeLessThan(1200);
  });
});
