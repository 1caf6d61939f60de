/** A view of a client: keys that can be invalidated all at once. */

import { checkToken, refuseTime, type CounterOptions, type StoreOptions } from './arguments';
import type { CallOptions } from './call-options';
import type { Dispatcher } from './dispatcher';
import { expiryOf, type TimeArg } from './expiry';
import { Generation } from './generation';
import { planOf, type GetOrSetOptions, type Loader } from './get-or-set';
import { nameOf, withPrefix, type Key } from './keys';
import type { MultiOptions } from './multi';
import { NamespacedRequests } from './namespaced-requests';
import { ReadThrough, type Found } from './read-through';
import { missWithToken, type Decoders } from './replies';
import { attempt, plainDetails, type Requests } from './requests';
import { TextItems } from './text-items';
import { Op } from './wire';

/**
 * The keys of one namespace. Made by `client.namespace(name)`.
 *
 * Its methods are the client's, for keys that are stored as `<name>:<generation>:<key>`. The generation is read with
 * every operation, from the key `<name>:@generation`: once an `invalidate()` of any process has resolved, no operation
 * that is called afterwards, in any process, sees what was stored before. If the generation's server cannot be reached,
 * operations fail as if the key's own could not.
 *
 * Operations on the same key take effect in the order in which they were called. `invalidate()` has to be awaited by
 * what must not see old values.
 */
export class Namespace {
  readonly name: string;
  readonly #generation: Generation;
  readonly #requests: NamespacedRequests;
  readonly #decoders: Decoders;
  readonly #readThrough: ReadThrough;
  readonly #dispatcher: Dispatcher;

  /** Use `client.namespace(name)`. */
  constructor(name: string, generation: Generation, requests: Requests, readThrough: ReadThrough) {
    this.name = name;
    this.#readThrough = readThrough;
    this.#dispatcher = requests.dispatcher;
    this.#generation = generation;
    this.#requests = new NamespacedRequests(generation, requests);
    this.#decoders = requests.decoders;
  }

  /** How many bytes a key may have: 250, without what goes before it. */
  get longestKey(): number {
    return this.#dispatcher.submission.longestKey - this.#generation.prefixBytes;
  }

  /**
   * Makes everything that is stored in the namespace unreachable; memcached forgets it when it needs the room. Takes one
   * write, however much is stored.
   *
   * Rejects, with `failSoft`, too, if the server did not confirm it: then it may or may not have been done.
   */
  invalidate(options?: CallOptions): Promise<void> {
    return this.#generation.invalidate(options);
  }

  // Reading.

  /** As the client's `get`. */
  get<T = unknown>(key: Key): Promise<T | undefined>;
  get<T = unknown, D = undefined>(key: Key, otherwise: D, options?: CallOptions): Promise<T | D>;
  get<T>(key: Key, otherwise: T, options?: CallOptions): Promise<T>;
  get(key: Key, otherwise?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#requests.read(Op.Get, key, this.#decoders.value, otherwise, otherwise, options);
  }

  /** As the client's `gets`. */
  gets<T = unknown>(key: Key, options?: CallOptions): Promise<[value: T, cas: bigint] | [undefined, undefined]> {
    const decode = this.#decoders.valueWithToken;
    return this.#requests
      .read(Op.Gets, key, decode, missWithToken, missWithToken, options)
      .then((result) => (result === missWithToken ? [undefined, undefined] : (result as [T, bigint])));
  }

  /** As the client's `has`. */
  has(key: Key, options?: CallOptions): Promise<boolean> {
    return this.#requests.read(Op.Get, key, this.#decoders.exists, undefined, false, options) as Promise<boolean>;
  }

  /** As the client's `getMulti`. Keys that are Buffers must not be changed before the promise has settled. */
  getMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, T>> {
    return this.#requests.readMulti(Op.Get, keys, this.#decoders.value, options) as Promise<Map<Key, T>>;
  }

  /** As the client's `getsMulti`; as for Buffers, see `getMulti`. */
  getsMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, [value: T, cas: bigint]>> {
    const decode = this.#decoders.valueWithToken;
    return this.#requests.readMulti(Op.Gets, keys, decode, options) as Promise<Map<Key, [T, bigint]>>;
  }

  // Writing.

  /** As the client's `set`. */
  set(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<true> {
    return this.#requests.store(Op.Set, key, value, time, 0n) as Promise<true>;
  }

  /** As the client's `add`. */
  add(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean> {
    return this.#requests.store(Op.Add, key, value, time, 0n);
  }

  /** As the client's `replace`. */
  replace(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean> {
    return this.#requests.store(Op.Replace, key, value, time, 0n);
  }

  /** As the client's `cas`. If the namespace was invalidated since `cas` was read, the key is gone. */
  cas(key: Key, value: unknown, cas: bigint, time?: TimeArg | StoreOptions): Promise<boolean> {
    return attempt(() => this.#requests.store(Op.Cas, key, value, time, checkToken(cas)));
  }

  /** As the client's `append`. */
  append(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#requests.join(Op.Append, key, data, options);
  }

  /** As the client's `prepend`. */
  prepend(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#requests.join(Op.Prepend, key, data, options);
  }

  /** As the client's `setMulti`. */
  setMulti(
    entries: ReadonlyMap<Key, unknown> | Readonly<Record<string, unknown>> | Iterable<readonly [Key, unknown]>,
    options?: StoreOptions & MultiOptions,
  ): Promise<Key[]> {
    return this.#requests.storeMulti(Op.Set, entries, options);
  }

  /** As the client's `addMulti`. */
  addMulti(
    entries: ReadonlyMap<Key, unknown> | Readonly<Record<string, unknown>> | Iterable<readonly [Key, unknown]>,
    options?: StoreOptions & MultiOptions,
  ): Promise<Key[]> {
    return this.#requests.storeMulti(Op.Add, entries, options);
  }

  /** As the client's `delete`. */
  delete(key: Key, options?: CallOptions): Promise<boolean> {
    return attempt(() => {
      refuseTime(options);
      const decode = this.#decoders.found;
      return this.#requests.read(Op.Delete, key, decode, undefined, false, options) as Promise<boolean>;
    });
  }

  /** As the client's `deleteMulti`. */
  deleteMulti(keys: Iterable<Key>, options?: MultiOptions): Promise<boolean> {
    return attempt(() => {
      refuseTime(options);
      return this.#requests.deleteMulti(keys, options);
    });
  }

  /** As the client's `touch`. */
  touch(key: Key, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return attempt(() => {
      if ((time as unknown) === undefined) throw new TypeError('touch: a time is needed; 0 is never');
      const details = { ...plainDetails, expiry: expiryOf(time) };
      return this.#requests.write(Op.Touch, key, this.#decoders.found, details, options);
    });
  }

  // Counting.

  /** As the client's `incr`. */
  incr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  incr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#requests.count(Op.Incr, key, delta, options);
  }

  /** As the client's `decr`. */
  decr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  decr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#requests.count(Op.Decr, key, delta, options);
  }

  /** As the client's `incrMulti`. */
  incrMulti(
    keys: Iterable<Key>,
    options?: MultiOptions & { delta?: number | bigint | undefined },
  ): Promise<Map<Key, number>> {
    return this.#requests.countMulti(Op.Incr, keys, options);
  }

  /** As the client's `decrMulti`. */
  decrMulti(
    keys: Iterable<Key>,
    options?: MultiOptions & { delta?: number | bigint | undefined },
  ): Promise<Map<Key, number>> {
    return this.#requests.countMulti(Op.Decr, keys, options);
  }

  // Caching.

  /**
   * As the client's `getOrSet`. A value that was being loaded when the namespace was invalidated is not found afterwards.
   */
  async getOrSet<T>(key: Key, loader: Loader<T>, time?: TimeArg | GetOrSetOptions): Promise<T> {
    const plan = planOf(key, loader, time, { longestKey: this.longestKey, timeout: this.#dispatcher.timeout });
    const look = (prefix: string, late: CallOptions | undefined): Promise<Found> =>
      this.#readThrough.look(
        withPrefix(prefix, plan.key),
        plan,
        late === undefined ? plan.call : { ...plan.call, ...late },
      );
    const lookInGeneration = (): Promise<Found> =>
      this.#generation.run('getOrSet', look, plan.call, false).catch((error: unknown) =>
        // Without a generation there is no key to store it under; this one is for those who wait in this process.
        this.#readThrough.outage(withPrefix(`${this.name}:`, plan.key), plan, error),
      );
    return (await this.#readThrough.run(lookInGeneration, plan)) as T;
  }
}

/** Of a name, in bytes: leaves 36 for the keys. */
const longestName = 200;
/** Namespaces whose generations a client remembers. */
const mostRemembered = 1000;

/** The namespaces of one client. */
export class Namespaces {
  readonly #requests: Requests;
  readonly #items: TextItems;
  readonly #readThrough: ReadThrough;
  /** By name; the one that was asked for last is last. */
  readonly #generations = new Map<string, Generation>();

  constructor(requests: Requests) {
    this.#requests = requests;
    const followUps = requests.forFollowUps();
    this.#items = new TextItems(followUps);
    this.#readThrough = new ReadThrough(followUps, this.#items);
  }

  /** @throws TypeError, RangeError */
  get(name: string): Namespace {
    const given: unknown = name;
    if (typeof given !== 'string') throw new TypeError(`namespace: the name must be a string, not ${nameOf(given)}`);
    const bytes = Buffer.byteLength(given);
    if (bytes === 0 || bytes > longestName)
      throw new RangeError(`namespace: the name must have 1 … ${String(longestName)} bytes, not ${String(bytes)}`);
    return new Namespace(given, this.#generation(given), this.#requests, this.#readThrough);
  }

  /** All views of a name share it: so they keep the order of their operations, and know what each other has seen. */
  #generation(name: string): Generation {
    const generation = this.#generations.get(name) ?? new Generation(name, this.#items, this.#requests.dispatcher);
    this.#generations.delete(name);
    this.#generations.set(name, generation);
    if (this.#generations.size > mostRemembered) {
      const [eldest] = this.#generations.keys();
      this.#generations.delete(eldest as string);
    }
    return generation;
  }
}
