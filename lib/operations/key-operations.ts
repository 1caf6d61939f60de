/** The operations on keys: of a client, and of its namespaces. */

import { checkToken, rejectTime, type CounterOptions, type StoreOptions } from './arguments';
import type { CallOptions } from '../options/call-options';
import type { ClientRequests } from './client-executor';
import { toExpiry, type TimeArg } from '../options/expiry';
import type { Key } from '../options/keys';
import type { CountMultiOptions, Entries, MultiOptions } from './multi-operation';
import { missWithToken, type Decoders } from './decoders';
import { attempt } from './executor';
import { plainDetails } from '../dispatch/submission-buffer';
import { Op } from '../addon/record-layout';

/** Checked calls become promises: for keys as they are, or with the prefix of a namespace. */
export type KeyRequests = Pick<
  ClientRequests,
  'read' | 'write' | 'store' | 'join' | 'count' | 'readMulti' | 'storeMulti' | 'deleteMulti' | 'countMulti'
>;

/**
 * The operations on keys, which a client and a namespace have in common.
 *
 * Operations on the same key take effect in the order in which they were called, even when none was awaited;
 * operations on different keys may be reordered and batched.
 */
export abstract class KeyOperations {
  readonly #requests: KeyRequests;
  readonly #decoders: Decoders;

  /** @internal */
  constructor(requests: KeyRequests, decoders: Decoders) {
    this.#requests = requests;
    this.#decoders = decoders;
  }

  // Reading.

  /**
   * Gets a key's value; `otherwise` (undefined if it is not given) if the key is not there. A stored `null` is `null`.
   *
   * Rejects with DeserializationError for a value that the codec cannot read.
   */
  get<T = unknown>(key: Key): Promise<T | undefined>;
  get<T = unknown, D = undefined>(key: Key, otherwise: D, options?: CallOptions): Promise<T | D>;
  get<T>(key: Key, otherwise: T, options?: CallOptions): Promise<T>;
  get(key: Key, otherwise?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#requests.read(Op.Get, key, this.#decoders.value, otherwise, otherwise, options);
  }

  /**
   * Gets a key's value and its CAS token (64 bits, for `cas`); `[undefined, undefined]` if it is not there.
   */
  gets<T = unknown>(key: Key, options?: CallOptions): Promise<[value: T, cas: bigint] | [undefined, undefined]> {
    const decode = this.#decoders.valueWithToken;
    return this.#requests
      .read(Op.Gets, key, decode, missWithToken, missWithToken, options)
      .then((result) => (result === missWithToken ? [undefined, undefined] : (result as [T, bigint])));
  }

  /** Whether a key is there: pylibmc's `key in client`. Reads its value, as pylibmc does. */
  has(key: Key, options?: CallOptions): Promise<boolean> {
    return this.#requests.read(Op.Get, key, this.#decoders.exists, undefined, false, options) as Promise<boolean>;
  }

  /**
   * Gets many keys. The map holds the keys as they were given (a Buffer comes back as that Buffer), in their order;
   * those that are not there are absent.
   *
   * If a server fails or a value cannot be read it rejects, with an error that carries `values` and `failedKeys`.
   */
  getMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, T>> {
    return this.#requests.readMulti(Op.Get, keys, this.#decoders.value, options) as Promise<Map<Key, T>>;
  }

  /** As `getMulti`, with the CAS tokens. Not in pylibmc. */
  getsMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, [value: T, cas: bigint]>> {
    const decode = this.#decoders.valueWithToken;
    return this.#requests.readMulti(Op.Gets, keys, decode, options) as Promise<Map<Key, [T, bigint]>>;
  }

  // Writing.

  /** Stores a value. `time`: seconds until it expires (0: never), or a Date. */
  set(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<true> {
    return this.#requests.store(Op.Set, key, value, time, 0n) as Promise<true>;
  }

  /** Stores a value if the key is not there. False: it was. */
  add(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean> {
    return this.#requests.store(Op.Add, key, value, time, 0n);
  }

  /** Stores a value if the key is there. False: it was not. */
  replace(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean> {
    return this.#requests.store(Op.Replace, key, value, time, 0n);
  }

  /**
   * Stores a value if nobody wrote the key since `cas` was read with `gets`. False: somebody did. Rejects with NotFound if
   * the key is gone.
   */
  cas(key: Key, value: unknown, cas: bigint, time?: TimeArg | StoreOptions): Promise<boolean> {
    return attempt(() => this.#requests.store(Op.Cas, key, value, time, checkToken(cas)));
  }

  /** Appends to the stored bytes. Only for strings and bytes that are not compressed. False: the key is not there. */
  append(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#requests.join(Op.Append, key, data, options);
  }

  /** As `append`, in front. */
  prepend(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#requests.join(Op.Prepend, key, data, options);
  }

  /** Stores many values; resolves to the keys that were not stored, for whatever reason. */
  setMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]> {
    return this.#requests.storeMulti(Op.Set, entries, options);
  }

  /** As `add` for many; resolves to the keys that were not added. */
  addMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]> {
    return this.#requests.storeMulti(Op.Add, entries, options);
  }

  /** Deletes a key. False: it was not there. */
  delete(key: Key, options?: CallOptions): Promise<boolean> {
    return attempt(() => {
      rejectTime(options);
      const decode = this.#decoders.found;
      return this.#requests.read(Op.Delete, key, decode, undefined, false, options) as Promise<boolean>;
    });
  }

  /** Deletes many keys. True only if all were there. */
  deleteMulti(keys: Iterable<Key>, options?: MultiOptions): Promise<boolean> {
    return attempt(() => {
      rejectTime(options);
      return this.#requests.deleteMulti(keys, options);
    });
  }

  /** Sets a key's expiry. False: it is not there. */
  touch(key: Key, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return attempt(() => {
      if ((time as unknown) === undefined) throw new TypeError('touch: a time is needed; 0 is never');
      const details = { ...plainDetails, expiry: toExpiry(time) };
      return this.#requests.write(Op.Touch, key, this.#decoders.found, '', details, options);
    });
  }

  // Counting.

  /**
   * Adds `delta` (0 … 2^64-1) and resolves to the new value, which wraps at 2^64. Rejects with NotFound if the key is not
   * there, and with a RangeError that carries `value` if the new value is above 2^53-1 and `bigint` is not set.
   *
   * With `initial`, a counter that is not there is created, by a second request (`add`): as the integer that `set` would
   * store (plain bytes, if the codec stores no digits for it). If another client was faster, it counts on. Operations that are called before it has settled may take effect
   * between its requests.
   */
  incr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  incr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#requests.count(Op.Incr, key, delta, options);
  }

  /** Subtracts `delta`; never goes below 0. As `incr`. */
  decr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  decr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#requests.count(Op.Decr, key, delta, options);
  }

  /**
   * Adds `delta` (default 1) to many counters; resolves to their new values. Rejects with NotFound if any is not there,
   * after all were tried: the error carries `values` and `failedKeys`.
   */
  incrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>> {
    return this.#requests.countMulti(Op.Incr, keys, options);
  }

  /** As `incrMulti`, subtracting. */
  decrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>> {
    return this.#requests.countMulti(Op.Decr, keys, options);
  }
}
