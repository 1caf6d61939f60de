/** Settles what is overdue: a pass over all operations, in slices, seldom (about once in a timeout). */

import { runInSlices } from './slices';
import type { PendingTable } from './pending-table';
import { setImmediate } from '../timing';

/**
 * Milliseconds of reading for which answers that have arrived may hold up what is overdue. What the program does in between
 * does not count: the loop was blocked then, and more has arrived.
 */
const maxHoldUpMs = 50;

export interface OverdueContext {
  table: PendingTable;
  timer: { set(at: number): void; clear(): void };
  /** The clock that deadlines are on. */
  now: () => number;
  /** Reads and delivers what has arrived; true: there is more. */
  receive: () => boolean;
  expire: (slot: number) => void;
  /** A pass has ended. */
  onEnd: () => void;
}

export class Overdue {
  readonly #context: OverdueContext;
  #isRunning = false;
  #isStopped = false;
  /** The earliest deadline that this pass has met and that was not over. */
  #next = Infinity;
  /** When this run began. What is overdue only since may have been answered since: it is the next run's. */
  #startedAt = 0;

  constructor(context: OverdueContext) {
    this.#context = context;
  }

  /** The timer has run. */
  start(): void {
    this.#context.timer.clear();
    if (this.#isRunning) {
      // It may lie behind the pass, which pauses: there will be another one.
      this.#next = 0;
      return;
    }
    this.#isRunning = true;
    this.#startedAt = this.#context.now();
    this.#receive(maxHoldUpMs);
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    this.#context.timer.clear();
  }

  /** A loop that was blocked must not turn answers that are in the socket already into timeouts: they are read first. */
  #receive(holdUpMs: number): void {
    if (this.#isStopped) return;
    const { now, receive } = this.#context;
    const start = now();
    const isMore = receive();
    const left = holdUpMs - (now() - start);
    if (isMore && left > 0) {
      setImmediate(() => {
        this.#receive(left);
      });
    } else {
      this.#pass();
    }
  }

  #pass(): void {
    const { table, expire } = this.#context;
    const startedAt = this.#startedAt;
    let slot = 0;
    this.#next = Infinity;
    runInSlices(() => {
      if (this.#isStopped) return false;
      if (slot >= table.operations.length) {
        this.#end();
        return false;
      }
      const deadline = table.deadlines[slot] as number;
      if (deadline <= startedAt) expire(slot);
      else if (deadline < this.#next) this.#next = deadline;
      ++slot;
      return true;
    });
  }

  #end(): void {
    this.#isRunning = false;
    this.#context.timer.set(this.#next);
    this.#context.onEnd();
  }
}
