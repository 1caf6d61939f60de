// Hundreds of clients, one after the other: no descriptor and no memory is left of them, and they never have a thread.

import { startSilentServer } from '../support/fake-servers';
import { expectEnd, run, useServer } from '../support/life-cycle-programs';

interface Usage {
  threads: number;
  descriptors: number;
  megabytes: number;
}

interface Report {
  before: Usage;
  /** With a client that is connected. */
  working: Usage;
  first: Usage;
  second: Usage;
  third: Usage;
  made: number;
  uncollected: number;
}

const server = useServer();

async function grow(way: string, address: string, binary: string, count: number): Promise<Report> {
  const ended = await run('growth', [way, address, binary, String(count)], {
    // RSS would tell of V8's young generation and of its compilers, which take the more to warm up the newer Node is.
    node: ['--expose-gc', '--max-semi-space-size=1', '--no-opt', '--no-sparkplug'],
    limit: 29_000,
    // glibc raises this threshold by itself, and then keeps what was freed: RSS would tell of malloc, not of us.
    env: { MALLOC_MMAP_THRESHOLD_: '65536' },
  });
  expectEnd(ended, 0);
  return JSON.parse(ended.output.join('')) as Report;
}

function expectNoGrowth({ before, working, first, second, third }: Report): void {
  expect(working.threads).toBe(before.threads);
  for (const { threads, descriptors } of [first, second, third]) {
    expect({ threads, descriptors }).toEqual({ threads: before.threads, descriptors: before.descriptors });
  }
  // The first round warms up; after that as many clients again leave nothing worth mentioning.
  expect(third.megabytes - first.megabytes).toBeLessThan(16);
}

describe.each(['true', 'false'])('binary: %s', (binary) => {
  it.each(['closed', 'destroyed', 'cloned', 'reconnecting'])('%s', async (way) => {
    const report = await grow(way, server().address, binary, 250);
    expect(report.made).toBeGreaterThanOrEqual(751);
    expectNoGrowth(report);
    expect(report.uncollected).toBeLessThan(260); // the last round is not waited for
  });

  it.each(['dropped', 'droppedUnused', 'droppedPending'])('%s: collected without close', async (way) => {
    const report = await grow(way, server().address, binary, 100);
    expect(report.made).toBe(301);
    expectNoGrowth(report);
    expect(report.uncollected).toBeLessThan(110);
  });
});

it('droppedTimingOut: collected although the server never answered', async () => {
  const silent = await startSilentServer();
  const report = await grow('droppedTimingOut', silent.address, 'true', 25);
  expectNoGrowth(report);
  await silent.stop();
});
