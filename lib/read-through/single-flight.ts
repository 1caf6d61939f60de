/** One load that several callers of this process wait for, each with its own deadline. */

import { giveUpWhen } from '../dispatch/abort';

export class SingleFlight {
  /** When its loader was called, by performance.now(); undefined before. */
  loadingSince: number | undefined;
  readonly result: Promise<unknown>;
  #waiting = 0;

  /** `run` starts at once. */
  constructor(run: (flight: SingleFlight) => Promise<unknown>) {
    this.result = run(this);
    this.result.catch(ignore); // all who waited may have given up
  }

  /** Whether anybody waits for it. */
  get isWanted(): boolean {
    return this.#waiting > 0;
  }

  /** Its result. Rejects with `late()` after so many milliseconds, and with the signal's reason if that is aborted. */
  async join(milliseconds: number, late: () => Error, signal: AbortSignal | undefined): Promise<unknown> {
    if (signal?.aborted === true) throw signal.reason;
    let stop = ignore;
    const givenUp = new Promise<never>((_resolve, reject) => {
      stop = giveUpWhen({ milliseconds, late, signal }, reject);
    });
    ++this.#waiting;
    try {
      return await Promise.race([this.result, givenUp]);
    } finally {
      --this.#waiting;
      stop();
    }
  }
}

function ignore(): void {
  // See where it is used.
}
