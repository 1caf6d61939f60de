/** One timer for the deadlines of all operations of a client. */

import { WeakTimer } from '../weak-timer';

/** Longer delays are 1 ms to Node. A deadline that is further away is looked at again then. */
const maxTimerMs = 2 ** 31 - 1;

export class DeadlineTimer<Owner extends object> {
  readonly #clock: { now(): number };
  readonly #timer: WeakTimer<Owner>;
  #at = Infinity;

  /**
   * `run` is called when the time has come. `owner`: without it there is nothing to run for. (While anything is pending the
   * native side keeps the process alive; and the timer outlives the operations that it was set for.)
   */
  constructor(owner: Owner, clock: { now(): number }, run: (owner: Owner) => void) {
    this.#clock = clock;
    this.#timer = new WeakTimer(owner, run);
  }

  /** Runs at this time, or earlier if it is set already. */
  set(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    this.#timer.set(Math.min(Math.max(1, Math.ceil(at - this.#clock.now())), maxTimerMs));
  }

  /** What was set is over: the next `set` counts. */
  clear(): void {
    this.#at = Infinity;
    this.#timer.clear();
  }
}
