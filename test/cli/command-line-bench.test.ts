import { Client } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { freePort } from '../support/child-processes';
import { cli, records, rows, Terminal } from '../support/command-line';

let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached();
});
afterAll(stopAll);

interface Result {
  operations: number;
  failures: Record<string, number>;
  histogram: { below: number; count: number }[];
  latencyMilliseconds: Record<string, number>;
}

async function itemsOf(address: string): Promise<number> {
  const mc = new Client(address);
  const [first] = await mc.getStats();
  await mc.close();
  return Number(first?.[1].curr_items);
}

it.each(['get', 'set', 'mixed', 'incr'])('measures %s for a second, and leaves nothing behind', async (workload) => {
  const { code, stdout } = await cli(['bench', '-s', server.address, '-d', '1', '-w', workload, '--json']);
  expect(code).toBe(0);
  const [result] = records(stdout) as unknown as Result[];
  expect(result).toMatchObject({ workload, failures: {}, concurrency: 100 });
  expect(result?.operations).toBeGreaterThan(100);
  expect(result?.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(result?.operations);
  const { p50 = 0, p99 = 0, max = 0 } = result?.latencyMilliseconds ?? {};
  expect(p50).toBeGreaterThan(0);
  expect(p99).toBeGreaterThanOrEqual(p50);
  expect(max).toBeGreaterThanOrEqual(p99);
  expect(await itemsOf(server.address)).toBe(0);
});

it('writes a plain line for programs', async () => {
  const { stdout } = await cli(['bench', '-s', server.address, '-d', '0.2', '-c', '3', '-k', '5', '-z', '1000']);
  expect(rows(stdout)).toEqual([Array(8).fill(expect.stringMatching(/^\d+(\.\d+)?$/))]);
});

it('shows progress and a histogram on a terminal', async () => {
  const terminal = new Terminal(['bench', '-s', server.address, '-d', '1']);
  await terminal.shows(/\[#+-+\] {2}0\.\d of 1 s {2}[\d,]+ operations\/s/);
  expect(await terminal.status()).toBe(0);
  expect(terminal.text).toMatch(/OPERATIONS +OPERATIONS\/S +MEAN +P50 +P90 +P99 +P99\.9 +MAX\n +[\d,]+ /);
  expect(terminal.text).toMatch(/^ *< [\d.]+ ms {2}#+ +[\d.]+ % +[\d,]+$/m);
});

it('ends early with Ctrl-C: tells what it measured, cleans up, and says 130', async () => {
  const terminal = new Terminal(['bench', '-s', server.address, '-d', '60']);
  await terminal.shows(/operations\/s/);
  terminal.type('\x03');
  expect(await terminal.status()).toBe(130);
  expect(terminal.text).toMatch(/OPERATIONS/);
  expect(await itemsOf(server.address)).toBe(0);
});

it('says 3 if the servers cannot be used', async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  expect(await cli(['bench', '-s', nobody, '-d', '1'])).toMatchObject({ code: 3, stdout: '' });
});

it('counts failures, and says 3, if a server fails meanwhile', async () => {
  const failing = await startMemcached();
  const running = cli(['bench', '-s', failing.address, '-d', '1.5', '-j']);
  const mc = new Client(failing.address);
  while ((await mc.getStats())[0]?.[1].get_hits === '0') await new Promise((resolve) => setTimeout(resolve, 20));
  await mc.close();
  await failing.kill();
  const { code, stdout } = await running;
  expect(code).toBe(3);
  expect(Object.keys((records(stdout) as unknown as Result[])[0]?.failures ?? {})).toContain('ServerDown');
});
