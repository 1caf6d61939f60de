/** One timer for the deadlines of all operations of a client. */

import { clearTimeout, setTimeout } from '../timing';

/** Longer delays are 1 ms to Node. A deadline that is further away is looked at again then. */
const maxTimerMs = 2 ** 31 - 1;

export class DeadlineTimer<Owner extends object> {
  readonly #owner: WeakRef<Owner>;
  readonly #clock: { now(): number };
  readonly #run: (owner: Owner) => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  /** `run` is called when the time has come. `owner`: without it there is nothing to run for. */
  constructor(owner: Owner, clock: { now(): number }, run: (owner: Owner) => void) {
    this.#owner = new WeakRef(owner);
    this.#clock = clock;
    this.#run = run;
  }

  /** Runs at this time, or earlier if it is set already. */
  set(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(1, Math.ceil(at - this.#clock.now())), maxTimerMs);
    // Unreferenced: while anything is pending the native side keeps the process alive. And weak: the timer outlives
    // the operations that it was set for, and must not keep a forgotten client from being collected.
    const owner = this.#owner;
    const run = this.#run;
    this.#timer = setTimeout(() => {
      const living = owner.deref();
      if (living !== undefined) run(living);
    }, delay).unref();
  }

  /** What was set is over: the next `set` counts. */
  clear(): void {
    this.#at = Infinity;
    clearTimeout(this.#timer);
  }
}
