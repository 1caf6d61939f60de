/** A timer that keeps neither its owner from being collected nor the process alive. */

import { clearTimeout, setTimeout } from './timing';

export class WeakTimer<Owner extends object> {
  readonly #owner: WeakRef<Owner>;
  readonly #run: (owner: Owner) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: Owner, run: (owner: Owner) => void) {
    this.#owner = new WeakRef(owner);
    this.#run = run;
  }

  /** Runs after so many milliseconds, at most 2^31-1, and not when it was set to run. */
  set(milliseconds: number): void {
    this.clear();
    const owner = this.#owner;
    const run = this.#run;
    this.#timer = setTimeout(() => {
      const living = owner.deref();
      if (living !== undefined) run(living);
    }, milliseconds).unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
