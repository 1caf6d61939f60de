// Each prefix of a client's life is a program of its own: all of them end by themselves, and in time.

import { slowness } from '../support/sanitizers';
import { startSilentServer } from '../support/fake-servers';
import { expectEnd, run, useServer, type Ended } from '../support/life-cycle-programs';

const server = useServer();

/** Takes the last line off: how long the program went on when it had nothing left to do. */
function timeAtTheEnd(ended: Ended): number {
  return Number(/^ended after (\d+) ms$/.exec(ended.output.pop() ?? '')?.[1]);
}

describe.each(['true', 'false'])('binary: %s', (binary) => {
  it.each<[string, string[]]>([
    ['imported', []],
    ['constructed', []],
    ['behaviorsRead', ['false']],
    ['used', ['1']],
    ['usedMuch', ['5000 got true']],
    ['closed', ['ClientClosed']],
    ['closedUnused', []],
    ['destroyed', ['ClientClosed']],
    ['destroyedUnused', []],
    ['destroyedInFlight', ['5000 ClientClosed']],
    ['destroyedInCallback', ['settled']],
    ['closedThenDestroyed', ['5000 ClientClosed']],
    ['disposed', []],
  ])('%s: idle, so the process ends at once', async (step, output) => {
    const ended = await run('ends', [step, server().address, binary]);
    expect(timeAtTheEnd(ended)).toBeLessThan(200 * slowness);
    expectEnd(ended, 0, output);
  });

  it.each<[string, string[]]>([
    ['pending', ['5000 got true']],
    ['pendingMulti', ['0 values']],
    ['pendingOfTwo', ['got true', 'got true']],
    ['pendingWithSignal', ['got true']],
  ])('%s: what is pending keeps the process alive, and nothing does afterwards', async (step, output) => {
    const ended = await run('ends', [step, server().address, binary]);
    expect(timeAtTheEnd(ended)).toBeLessThan(5000);
    expectEnd(ended, 0, output);
  });

  it('closing: close drains, twice is as once, and later operations are refused', async () => {
    const ended = await run('ends', ['closing', server().address, binary]);
    timeAtTheEnd(ended);
    expectEnd(ended, 0);
    expect(ended.output.sort()).toEqual(['5000 got true', 'ClientClosed', 'closed']);
  });

  it('destroyedUnderWay: all settle, with a result or with ClientClosed', async () => {
    const ended = await run('ends', ['destroyedUnderWay', server().address, binary]);
    expect(timeAtTheEnd(ended)).toBeLessThan(200 * slowness);
    expectEnd(ended, 0);
    expect(ended.output.join()).toMatch(/^(some got true, )?some ClientClosed$|^some got true$/);
  });

  it.each<[string, string, number, number]>([
    ['timesOut', 'TimeoutError', 250, 700],
    ['aborted', 'AbortError', 50, 500],
  ])('%s: a silent server keeps the process only as long as the operation', async (step, name, least, most) => {
    const silent = await startSilentServer();
    const ended = await run('ends', [step, silent.address, binary]);
    const time = timeAtTheEnd(ended);
    expectEnd(ended, 0, [name]);
    expect(time).toBeGreaterThanOrEqual(least);
    expect(time).toBeLessThan(most * slowness);
    await silent.stop();
  });
});
