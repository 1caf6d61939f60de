/** The clock that deadlines are on, read once for several operations of a tick. */

import { native } from '../addon/addon';
import { now } from '../timing';

/** Reading the clock costs as much as writing a short key. */
const callsPerReading = 8;

export class TickClock {
  readonly #offset = native.now() - now();
  #last = 0;
  #calls = callsPerReading;

  /** Returns milliseconds of the native side's clock. */
  now(): number {
    return now() + this.#offset;
  }

  /** Returns the time at most a few operations of this tick ago; the exact one if it has to be. */
  recent(mustBeExact: boolean): number {
    if (++this.#calls > callsPerReading || mustBeExact) {
      this.#calls = 0;
      this.#last = now() + this.#offset;
    }
    return this.#last;
  }

  endTick(): void {
    this.#calls = callsPerReading;
  }
}
