// Clients in worker threads, which end with thousands of operations in flight, while the main thread works on.

import { slowness } from '../support/sanitizers';
import { startSilentServer } from '../support/fake-servers';
import { expectEnd, run, useServer } from '../support/life-cycle-programs';

const server = useServer();

describe.each(['true', 'false'])('binary: %s', (binary) => {
  it.each<[ending: string, rounds: number, atOnce: number]>([
    ['terminate', 10, 1],
    ['terminate', 5, 4],
    ['exit', 10, 1],
    ['exit', 5, 4],
    ['exitInAnswer', 5, 2],
    ['exception', 5, 2],
    ['runsOut', 5, 2],
    ['neverUsed', 5, 2],
  ])('%s: %i times %i workers', async (ending, rounds, atOnce) => {
    const ended = await run('workers', [ending, server().address, binary, String(rounds), String(atOnce)]);
    expectEnd(ended, 0, [`${rounds} rounds`]);
  });

  it.each(['terminate', 'exit'])('%s: a silent server delays no worker that ends', async (ending) => {
    const silent = await startSilentServer();
    const ended = await run('workers', [ending, silent.address, binary, '3', '2', 'alone']);
    expectEnd(ended, 0, ['3 rounds']);
    expect(ended.milliseconds).toBeLessThan(4000 * slowness);
    await silent.stop();
  });
});
