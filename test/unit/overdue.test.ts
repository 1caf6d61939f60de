// What is overdue is settled in slices, and not before what has arrived was read.

import type { PendingOperation } from '../../lib/dispatch/pending-operation';
import { Overdue } from '../../lib/dispatch/overdue';
import { runInSlices } from '../../lib/dispatch/slices';
import { PendingTable } from '../../lib/dispatch/pending-table';

const operation = {} as PendingOperation;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

/** A clock that stands still, slots that are pending, and what became of them. */
function makeOverdue(deadlines: readonly number[]) {
  const table = new PendingTable();
  for (const deadline of deadlines) {
    const slot = table.take(operation, 0); // makes room, in a new array now and then
    table.deadlines[slot] = deadline;
  }
  const state = {
    now: 100,
    moreToRead: 0,
    readMs: 0,
    reads: 0,
    expired: [] as number[],
    timers: [] as number[],
    ended: 0,
    onExpire: (): void => undefined,
  };
  const overdue = new Overdue({
    table,
    timer: {
      set: (at) => {
        if (at !== Infinity) state.timers.push(at);
      },
      clear: () => undefined,
    },
    now: () => state.now,
    receive: () => {
      ++state.reads;
      state.now += state.readMs;
      return state.moreToRead-- > 0;
    },
    expire: (slot) => {
      state.expired.push(slot);
      table.forget(slot);
      state.onExpire();
    },
    onEnd: () => {
      ++state.ended;
    },
  });
  return { overdue, table, state };
}

describe('runInSlices', () => {
  it('does little work at once', () => {
    let left = 200;
    runInSlices(() => --left > 0);
    expect(left).toBe(0);
  });

  it('lets the loop go on between slices', async () => {
    let steps = 0;
    let turns = 0;
    const count = (): void => {
      ++turns;
      if (steps < 5000) setImmediate(count);
    };
    setImmediate(count);
    await new Promise<void>((resolve) => {
      runInSlices(() => {
        if (++steps % 100 === 0) block(1);
        if (steps < 5000) return true;
        resolve();
        return false;
      });
    });
    expect(steps).toBe(5000);
    expect(turns).toBeGreaterThan(4);
  });
});

describe('a pass', () => {
  it('settles what is over, and looks again at the next deadline', () => {
    const { overdue, state } = makeOverdue([50, 200, 100, 150, Infinity]);
    overdue.start();
    expect(state).toMatchObject({ expired: [0, 2], timers: [150], reads: 1, ended: 1 });
  });

  it('waits for what is still being read', async () => {
    const { overdue, table, state } = makeOverdue([50, 60]);
    state.moreToRead = 2;
    overdue.start();
    expect(state.expired).toEqual([]);
    table.forget(1); // it was answered
    await turn();
    await turn();
    expect(state).toMatchObject({ expired: [0], reads: 3, ended: 1 });
  });

  it('but not for ever', async () => {
    const { overdue, state } = makeOverdue([50]);
    state.moreToRead = Infinity;
    state.readMs = 20;
    overdue.start();
    await turn();
    expect(state.expired).toEqual([]);
    await turn();
    expect(state).toMatchObject({ expired: [0], reads: 3 });
  });

  it('a loop that is blocked in between takes no time from those who wait', async () => {
    const { overdue, table, state } = makeOverdue([50, 60]);
    state.moreToRead = 3;
    overdue.start();
    state.now += 200; // what the program did in reaction to the first answers, new calls among it:
    const slot = table.take(operation, 0);
    table.deadlines[slot] = 250;
    await turn();
    table.forget(1); // answered by what is read now
    await turn();
    await turn();
    // The new one has not been read for since its time was over.
    expect(state).toMatchObject({ expired: [0], reads: 4, timers: [250] });
  });

  it('that pauses misses nothing that becomes due behind it', async () => {
    const { overdue, table, state } = makeOverdue(Array.from({ length: 5000 }, () => 50));
    state.onExpire = () => {
      if (state.expired.length % 100 === 0) block(1);
    };
    overdue.start();
    expect(state.expired.length).toBeLessThan(5000);
    table.deadlines[0] = 90; // called in between, in a slot that was free again
    overdue.start(); // its timer
    expect(state).toMatchObject({ ended: 0, timers: [] });
    while (state.ended === 0) await turn();
    expect(state.expired).toHaveLength(5000);
    expect(state.timers).toEqual([0]); // at once
    overdue.start();
    expect(state.expired).toHaveLength(5001);
    expect(state).toMatchObject({ ended: 2, timers: [0] });
  });

  it('ends with the client', async () => {
    const { overdue, state } = makeOverdue([50]);
    state.moreToRead = 1;
    overdue.start();
    overdue.stop();
    await turn();
    await turn();
    expect(state).toMatchObject({ expired: [], ended: 0 });
  });
});
