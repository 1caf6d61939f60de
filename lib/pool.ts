/** pylibmc's ClientPool. A client here is safe to share; a pool bounds how many callers work at a time. */

import type { Client } from './client';
import { Busy } from './errors';

export interface ReserveOptions {
  /** Wait for a client to come back if none is left. Default false: reject with Busy. */
  block?: boolean;
}

/**
 * A pool of clones of a client.
 *
 * ```ts
 * const pool = new ClientPool(mc, 4);
 * await pool.reserve((client) => client.set('key', 'value'));
 * ```
 */
export class ClientPool {
  readonly #idle: Client[] = [];
  readonly #waiting: ((client: Client) => void)[] = [];

  /** With `slots`, fills the pool with so many clones of `client`. */
  constructor(client?: Client, slots = 0) {
    if (client !== undefined) this.fill(client, slots);
  }

  /** How many clients are not reserved. */
  get available(): number {
    return this.#idle.length;
  }

  /**
   * Adds clones of `client`.
   *
   * @throws RangeError if `slots` is not a whole number, 0 or more
   */
  fill(client: Client, slots: number): void {
    if (!Number.isInteger(slots) || slots < 0)
      throw new RangeError(`slots must be a whole number, 0 or more: ${String(slots)}`);
    for (let slot = 0; slot < slots; ++slot) this.#put(client.clone());
  }

  /**
   * Runs `use` with a client of the pool, which goes back when the promise that `use` returns settles. Resolves and
   * rejects as `use` does.
   *
   * Rejects with Busy if every client is reserved, unless `block` is set.
   */
  async reserve<T>(use: (client: Client) => T | Promise<T>, options: ReserveOptions = {}): Promise<T> {
    const client = this.#idle.shift() ?? (await this.#nextReturned(options.block === true));
    try {
      return await use(client);
    } finally {
      this.#put(client);
    }
  }

  /** Closes the clients that are not reserved. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((client) => client.close()));
  }

  #nextReturned(block: boolean): Promise<Client> {
    if (!block) throw new Busy('every client of the pool is reserved', { operation: 'reserve' });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #put(client: Client): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(client);
    else next(client);
  }
}
