/** pylibmc's ClientPool. A client here is safe to share; a pool bounds how many callers work at a time. */

import { giveUpWhen } from './dispatch/abort';
import { readCallOptions, readOptions, type CallOptions } from './options/call-options';
import type { Client } from './client';
import { describeType } from './describe-type';
import { Busy, ClientClosed, TimeoutError, returnCode } from './errors';

export interface ReserveOptions extends CallOptions {
  /** Wait for a client to come back if none is left. Default false: reject with Busy. */
  block?: boolean | undefined;
  /** Milliseconds to wait, more than 0; `use` may take longer. Default: as long as it takes. */
  timeout?: number | undefined;
}

const reserveNames = ['block', 'timeout', 'signal'] as const satisfies (keyof ReserveOptions)[];

/** A caller that waits for a client. */
interface Waiting {
  resolve: (client: Client) => void;
  reject: (error: unknown) => void;
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
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  /** With `slots`, fills the pool with that many clones of `client`. */
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
   * @throws TypeError if `client` is none, RangeError if `slots` is not a whole number, 0 or more; ClientClosed if the pool
   * is closed
   */
  fill(client: Client, slots: number): void {
    if (typeof (client as Partial<Client> | null)?.clone !== 'function')
      throw new TypeError(`fill: the client must be a Client, not ${describeType(client)}`);
    if (!Number.isInteger(slots) || slots < 0)
      throw new RangeError(`slots must be a whole number, 0 or more: ${String(slots)}`);
    if (this.#isClosed) throw closed('fill');
    for (let slot = 0; slot < slots; ++slot) this.#put(client.clone());
  }

  /**
   * Runs `use` with a client of the pool, which goes back when the promise that `use` returns settles. Resolves and
   * rejects as `use` does. If `use` closed or destroyed the client, a clone of it goes back.
   *
   * Rejects with Busy if every client is reserved. With `block` it waits for one to come back instead: rejects with a
   * TimeoutError if `timeout` is given and over before, and with the signal's reason.
   */
  async reserve<T>(use: (client: Client) => T | Promise<T>, given: ReserveOptions = {}): Promise<T> {
    if (typeof use !== 'function') throw new TypeError(`reserve: use must be a function, not ${describeType(use)}`);
    const options = readOptions<ReserveOptions>(given, reserveNames);
    const { block, ...call } = options;
    const { timeout = Infinity, signal } = readCallOptions(call) ?? {};
    if (this.#isClosed) throw closed('reserve');
    const client = this.#idle.shift() ?? (await this.#nextReturned(block === true, timeout, signal));
    try {
      return await use(client);
    } finally {
      this.#put(replacementOf(client));
    }
  }

  /** Closes the clients that are not reserved, and the others as they come back. Who waits for one is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting) waiting.reject(closed('reserve'));
    this.#waiting.clear();
    await Promise.all(this.#idle.splice(0).map((client) => client.close()));
  }

  async #nextReturned(block: boolean, timeout: number, signal: AbortSignal | undefined): Promise<Client> {
    if (!block) throw new Busy('every client of the pool is reserved', { operation: 'reserve' });
    let stop = (): void => undefined;
    try {
      return await new Promise<Client>((resolve, reject) => {
        const waiting = { resolve, reject };
        stop = giveUpWhen({ milliseconds: timeout, late: () => late(timeout), signal }, (reason) => {
          this.#waiting.delete(waiting); // at once: no client may be handed to one who does not wait any longer
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller chose the reason
          reject(reason);
        });
        this.#waiting.add(waiting);
      });
    } finally {
      stop();
    }
  }

  #put(client: Client): void {
    if (this.#isClosed) {
      void client.close();
      return;
    }
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(client);
    } else {
      this.#waiting.delete(next);
      next.resolve(client);
    }
  }
}

/** The client, or a clone of it if it is closed; itself, too, if a subclass cannot clone it: the pool does not shrink. */
function replacementOf(client: Client): Client {
  try {
    return client.closed ? client.clone() : client;
  } catch {
    return client;
  }
}

function closed(operation: string): ClientClosed {
  return new ClientClosed(`${operation}: the pool is closed`, { operation });
}

function late(timeout: number): TimeoutError {
  return new TimeoutError(`reserve: no client came back within ${String(timeout)} ms`, {
    operation: 'reserve',
    retcode: returnCode('TIMEOUT'),
  });
}
