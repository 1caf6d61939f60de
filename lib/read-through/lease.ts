/**
 * Who loads a value: a lease, stored under `@@lease:<key>`. The age of the value is kept there, too, so that the value itself
 * stays as any other client would store it.
 *
 * It reads `held:…` while somebody loads; `fresh` while the value is not due to be loaded again (only where stale values
 * are served); `free` for a moment after a load. If it is not there, nobody loads, and a value that is there is due.
 *
 * A server without CAS (`memcached -C`) answers with the token 0, which means "whatever is there" to the binary protocol: it
 * is never used. A lease that has ended is deleted there instead of marked, and so is what nobody of us wrote: either may hit
 * what somebody else has just taken, and then two load.
 */

import type { CallOptions } from '../options/call-options';
import { NotFound } from '../errors';
import { miss } from '../operations/decoders';
import type { TimeArg } from '../options/expiry';
import { internalPrefix, withPrefix, type Key } from '../options/keys';
import { randomText } from '../random-text';
import type { InternalItems } from './internal-items';

/** Before the whole key: what is in a namespace begins with its name, and so with nothing of the client's own. */
export const leasePrefix = `${internalPrefix}lease:`;

const heldPrefix = 'held:';
const fresh = 'fresh';
const free = 'free';
/** Of a server without CAS. */
export const noToken = 0n;
/** Seconds. Nobody needs it any more, but `cas` cannot delete. */
const freeFor = 1;

/** What became of an attempt to take a lease: somebody has it, or it was not wanted because the value is fresh. */
export type NotTaken = 'held' | 'fresh';

/** A lease that was taken. It may be lost by now: its time runs out. */
export class Lease {
  readonly #items: InternalItems;
  readonly #key: Key;
  readonly #text: string;

  /** Use Leases.take. */
  constructor(items: InternalItems, key: Key, text: string) {
    this.#items = items;
    this.#key = key;
    this.#text = text;
  }

  /** Undefined if it was lost; else the CAS token for the end. */
  async confirm(): Promise<bigint | undefined> {
    const item = await this.#items.gets(this.#key);
    return item !== miss && item.text === this.#text ? item.cas : undefined;
  }

  /** The value was stored, and is not due before `time`. */
  async endFresh(token: bigint, time: TimeArg): Promise<void> {
    await this.#end(fresh, token, time);
  }

  /** Whoever wants to may load now. */
  async endFree(token?: bigint): Promise<void> {
    const own = token ?? (await this.confirm());
    if (own !== undefined) await this.#end(free, own, freeFor);
  }

  async #end(text: string, token: bigint, time: TimeArg): Promise<void> {
    if (token === noToken) {
      await (text === free ? this.#items.delete(this.#key) : this.#items.set(this.#key, text, time));
      return;
    }
    // By cas: what is somebody else's by now stays.
    await this.#items.cas(this.#key, text, token, time).catch(falseIfNotFound);
  }
}

export class Leases {
  readonly #items: InternalItems;

  constructor(items: InternalItems) {
    this.#items = items;
  }

  /** Whether the value beside it is to be loaded again, if nobody does so yet. */
  async isDue(key: Key, options: CallOptions | undefined): Promise<boolean> {
    const text = await this.#items.get(withPrefix(leasePrefix, key), options);
    return text === miss || (text !== fresh && !text.startsWith(heldPrefix));
  }

  /**
   * Takes the lease, unless somebody holds it, or the value is fresh and not `evenIfFresh`.
   *
   * @param seconds how long it is held; as memcached counts in whole seconds, it may be one more
   */
  async take(key: Key, seconds: number, evenIfFresh: boolean): Promise<Lease | NotTaken> {
    const leaseKey = withPrefix(leasePrefix, key);
    const text = heldPrefix + randomText(9);
    const time = seconds + 1;
    const lease = new Lease(this.#items, leaseKey, text);
    if (await this.#items.add(leaseKey, text, time)) return lease;
    const item = await this.#items.gets(leaseKey);
    if (item !== miss && item.text === fresh && !evenIfFresh) return 'fresh';
    // Gone in this moment: as if it were held. What nobody of us wrote holds nothing.
    if (item === miss || item.text.startsWith(heldPrefix)) return 'held';
    if (item.cas === noToken) {
      await this.#items.delete(leaseKey);
      return (await this.#items.add(leaseKey, text, time)) ? lease : 'held';
    }
    const isTaken = await this.#items.cas(leaseKey, text, item.cas, time).catch(falseIfNotFound);
    return isTaken ? lease : 'held';
  }
}

/** `cas` of what is gone. */
export function falseIfNotFound(error: unknown): false {
  if (error instanceof NotFound) return false;
  throw error;
}
