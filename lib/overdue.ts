/** Settles what is overdue: a pass over all operations, in slices, seldom (about once in a timeout). */

import { runInSlices } from './slices';
import type { Slots } from './slots';

/** Milliseconds for which answers that are still being read may hold up what is overdue. */
const maxHoldUpMs = 50;

export interface OverdueContext {
  slots: Slots;
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
    this.#receive(this.#context.now() + maxHoldUpMs);
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    this.#context.timer.clear();
  }

  /** A loop that was blocked must not turn answers that are in the socket already into timeouts: they are read first. */
  #receive(end: number): void {
    if (this.#isStopped) return;
    if (this.#context.receive() && this.#context.now() < end) {
      setImmediate(() => {
        this.#receive(end);
      });
    } else {
      this.#pass();
    }
  }

  #pass(): void {
    const { slots, expire } = this.#context;
    const now = this.#context.now();
    let slot = 0;
    this.#next = Infinity;
    runInSlices(() => {
      if (this.#isStopped) return false;
      if (slot >= slots.waiters.length) {
        this.#end();
        return false;
      }
      const deadline = slots.deadlines[slot] as number;
      if (deadline <= now) expire(slot);
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
