// Hundreds of clients, one after the other: no thread, no descriptor and no memory is left of them.

import { startSilentServer } from '../helpers/sockets';
import { expectEnd, run, useServer } from './support';

interface Usage {
  threads: number;
  descriptors: number;
  megabytes: number;
}

interface Report {
  before: Usage;
  first: Usage;
  second: Usage;
  third: Usage;
  made: number;
  uncollected: number;
}

const server = useServer();

async function grow(way: string, address: string, binary: string, count: number): Promise<Report> {
  const ended = await run('growth', [way, address, binary, String(count)], { node: ['--expose-gc'], limit: 60_000 });
  expectEnd(ended, 0);
  return JSON.parse(ended.output.join('')) as Report;
}

function expectNoGrowth({ before, first, second, third }: Report): void {
  for (const { threads, descriptors } of [first, second, third]) {
    expect({ threads, descriptors }).toEqual({ threads: before.threads, descriptors: before.descriptors });
  }
  // The first round warms up; after that as many clients again leave nothing worth mentioning.
  expect(third.megabytes - first.megabytes).toBeLessThan(16);
}

describe.each(['true', 'false'])('binary: %s', (binary) => {
  it.each(['closed', 'destroyed', 'cloned', 'reconnecting'])('%s', async (way) => {
    const report = await grow(way, server().address, binary, 300);
    expect(report.made).toBeGreaterThanOrEqual(900);
    expectNoGrowth(report);
    expect(report.uncollected).toBeLessThan(310); // the last round is not waited for
  });

  it.each(['dropped', 'droppedUnused', 'droppedPending'])('%s: collected without close', async (way) => {
    const report = await grow(way, server().address, binary, 100);
    expect(report.made).toBe(300);
    expectNoGrowth(report);
    expect(report.uncollected).toBeLessThan(110);
  });
});

it('droppedTimingOut: collected although the server never answered', async () => {
  const silent = await startSilentServer();
  const report = await grow('droppedTimingOut', silent.address, 'true', 50);
  expectNoGrowth(report);
  await silent.stop();
});
