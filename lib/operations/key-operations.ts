/** The operations on keys: of a client, and of its namespaces. */

import { Op, operationNames } from '../addon/record-layout';
import type { Payload } from '../dispatch/pending-operation';
import { noFallback } from '../observability/fail-soft';
import { readCallOptions, readOptions, rejectCallback, type CallOptions } from '../options/call-options';
import { isBytes } from '../bytes';
import { toExpiry, type TimeArg } from '../options/expiry';
import { describeType } from '../describe-type';
import { ownCopy, type Key } from '../options/keys';
import { assertWellFormed } from '../well-formed';
import { checkUint64 } from '../options/ranges';
import {
  callOf,
  checkCounterOptions,
  checkStore,
  checkStoreOptions,
  checkToken,
  rejectTime,
  type CounterOptions,
  type StoreOptions,
} from './arguments';
import { miss, type Decoders, type Miss } from './decoders';
import type { Executor } from './executor';
import { InitialCounter } from './initial-counter';
import { makePayload } from './make-payload';
import { MultiOperation, toEntryLists, toKeyList, type Entries, type MultiOptions } from './multi-operation';
import { areAllTrue, toKeysNotStored, toMap } from './multi-results';
import { SingleOperation, type Decoder } from './operation';
import { rejecting, rejection } from './rejecting';
import { rejectDetached, type Serializer } from './serialization';

export interface CountMultiOptions extends MultiOptions {
  /** What is added or subtracted: 0 … 2^64-1. Default 1. */
  delta?: number | bigint | undefined;
}

/** How operations are run, and how values become bytes and back. */
export interface OperationContext {
  readonly executor: Executor;
  readonly decoders: Decoders;
  readonly serializer: Serializer;
}

/**
 * The operations on keys, which a client and a namespace have in common.
 *
 * Operations on the same key take effect in the order in which they were called, even when none was awaited;
 * operations on different keys may be reordered and batched.
 */
export abstract class KeyOperations {
  readonly #executor: Executor;
  readonly #decoders: Decoders;
  readonly #serializer: Serializer;

  /** @internal */
  constructor({ executor, decoders, serializer }: OperationContext) {
    this.#executor = executor;
    this.#decoders = decoders;
    this.#serializer = serializer;
  }

  // Reading.

  /**
   * Resolves with a key's value, or with `defaultValue` (undefined if it is not given) if the key does not exist. A stored
   * `null` is `null`. Throws a TypeError if `defaultValue` is a function, because methods take no callbacks.
   *
   * Rejects with DeserializationError for a value that the codec cannot read.
   */
  get<T = unknown>(key: Key): Promise<T | undefined>;
  get<T = unknown, D = undefined>(key: Key, defaultValue: D, options?: CallOptions): Promise<T | D>;
  get<T>(key: Key, defaultValue: T, options?: CallOptions): Promise<T>;
  get(key: Key, defaultValue?: unknown, options?: CallOptions): Promise<unknown> {
    rejectCallback(defaultValue);
    rejectCallback(options);
    const operation = new SingleOperation(Op.Get, key, this.#decoders.valueOrFallback, defaultValue);
    return this.#executor.send(operation, options);
  }

  /**
   * Resolves with a key's value and its CAS token (64 bits, for `cas`), or with `[undefined, undefined]` if the key does not
   * exist.
   */
  gets<T = unknown>(key: Key, options?: CallOptions): Promise<[value: T, cas: bigint] | [undefined, undefined]> {
    rejectCallback(options);
    const decode: Decoder<[T, bigint] | [undefined, undefined]> = this.#decoders.valueWithTokenOrNothing;
    return this.#executor.send(new SingleOperation(Op.Gets, key, decode, [undefined, undefined]), options);
  }

  /** Resolves with whether a key exists: pylibmc's `key in client`. Reads its value, as pylibmc does. */
  has(key: Key, options?: CallOptions): Promise<boolean> {
    rejectCallback(options);
    return this.#executor.send(new SingleOperation(Op.Get, key, this.#decoders.exists, false), options);
  }

  /**
   * Resolves with a map of the keys that exist and their values, in the order of the keys. It holds the keys as they were
   * given: a Buffer comes back as that Buffer.
   *
   * If a server fails or a value cannot be read it rejects, with a PartialFailure: it carries `values` and `failedKeys`.
   */
  getMulti<T = unknown>(keys: Iterable<string>, options?: MultiOptions): Promise<Map<string, T>>;
  getMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, T>>;
  getMulti<T>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, T>> {
    rejectCallback(options);
    const decode: Decoder<T | Miss> = this.#decoders.valueOrMiss;
    return this.#readMulti(Op.Get, 'getMulti', keys, decode, options);
  }

  /** As `getMulti`, with the CAS tokens. Not in pylibmc. */
  getsMulti<T = unknown>(keys: Iterable<string>, options?: MultiOptions): Promise<Map<string, [value: T, cas: bigint]>>;
  getsMulti<T = unknown>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, [value: T, cas: bigint]>>;
  getsMulti<T>(keys: Iterable<Key>, options?: MultiOptions): Promise<Map<Key, [value: T, cas: bigint]>> {
    rejectCallback(options);
    const decode: Decoder<[T, bigint] | Miss> = this.#decoders.valueWithToken;
    return this.#readMulti(Op.Gets, 'getsMulti', keys, decode, options);
  }

  async #readMulti<T>(
    op: Op,
    method: string,
    given: Iterable<Key>,
    decode: Decoder<T | Miss>,
    options: MultiOptions | undefined,
  ): Promise<Map<Key, T>> {
    const { keyPrefix, call } = checkMultiOptions(options);
    const keys = toKeyList(given, method);
    const operation = new MultiOperation({ op, method, keys, keyPrefix, decode, fallback: miss });
    return toMap(await this.#executor.send(operation, call), keys);
  }

  // Writing.

  /**
   * Stores a value. `time`: seconds until it expires (0: never), or a Date. Resolves with true; under `failSoft` with false
   * if the server failed.
   */
  set(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<true>;
  set(key: Key, value: unknown, time?: TimeArg | StoreOptions, callback?: unknown): Promise<boolean> {
    rejectCallback(time);
    rejectCallback(callback);
    return this.#store(Op.Set, key, value, time);
  }

  /** Stores a value if the key does not exist. Resolves with whether it was stored. */
  add(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean>;
  add(key: Key, value: unknown, time?: TimeArg | StoreOptions, callback?: unknown): Promise<boolean> {
    rejectCallback(time);
    rejectCallback(callback);
    return this.#store(Op.Add, key, value, time);
  }

  /** Stores a value if the key exists. Resolves with whether it was stored. */
  replace(key: Key, value: unknown, time?: TimeArg | StoreOptions): Promise<boolean>;
  replace(key: Key, value: unknown, time?: TimeArg | StoreOptions, callback?: unknown): Promise<boolean> {
    rejectCallback(time);
    rejectCallback(callback);
    return this.#store(Op.Replace, key, value, time);
  }

  /**
   * Stores a value if nobody wrote the key since `cas` was read with `gets`. Resolves with whether it was stored. Rejects
   * with NotFound if the key does not exist any longer.
   */
  cas(key: Key, value: unknown, cas: bigint, time?: TimeArg | StoreOptions): Promise<boolean>;
  cas(key: Key, value: unknown, cas: bigint, time?: TimeArg | StoreOptions, callback?: unknown): Promise<boolean> {
    rejectCallback(time);
    rejectCallback(callback);
    return rejecting(() => this.#store(Op.Cas, key, value, time, checkToken(cas)));
  }

  #store(
    op: Op,
    key: Key,
    value: unknown,
    time: TimeArg | StoreOptions | undefined,
    cas: number | bigint = 0,
  ): Promise<boolean> {
    let payload: Payload;
    let call: CallOptions | undefined;
    try {
      const options = checkStoreOptions(time);
      payload = this.#serializer.toPayload(value, options, cas);
      call = options.call;
    } catch (error) {
      return rejection(error);
    }
    return this.#executor.send(new SingleOperation(op, key, this.#decoders.stored, false, payload), call);
  }

  /**
   * Appends to the stored bytes, whatever they are: only for strings and bytes that are not compressed, as others can then no
   * longer be read. Resolves with false if the key does not exist.
   */
  append(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#concatenate(Op.Append, key, data, options);
  }

  /** Prepends to the stored bytes; otherwise as `append`. */
  prepend(key: Key, data: string | Uint8Array, options?: CallOptions): Promise<boolean> {
    return this.#concatenate(Op.Prepend, key, data, options);
  }

  #concatenate(op: Op, key: Key, data: string | Uint8Array, options: CallOptions | undefined): Promise<boolean> {
    rejectCallback(options);
    return rejecting(() => {
      if (typeof data === 'string') assertWellFormed(data, `${operationNames[op]}: data`);
      else if (!isBytes(data))
        throw new TypeError(`${operationNames[op]}: data must be a string or bytes, not ${describeType(data)}`);
      rejectDetached(data);
      const operation = new SingleOperation(op, key, this.#decoders.stored, false, makePayload(data));
      return this.#executor.send(operation, options);
    });
  }

  /** Stores many values. Resolves with the keys that were not stored, for whatever reason. */
  setMulti(entries: Entries<string>, options?: StoreOptions & MultiOptions): Promise<string[]>;
  setMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]>;
  setMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]> {
    rejectCallback(options);
    return this.#storeMulti(Op.Set, 'setMulti', entries, options);
  }

  /** As `add` for many. Resolves with the keys that were not added. */
  addMulti(entries: Entries<string>, options?: StoreOptions & MultiOptions): Promise<string[]>;
  addMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]>;
  addMulti(entries: Entries, options?: StoreOptions & MultiOptions): Promise<Key[]> {
    rejectCallback(options);
    return this.#storeMulti(Op.Add, 'addMulti', entries, options);
  }

  async #storeMulti(op: Op, method: string, entries: Entries, options: StoreMultiOptions | undefined): Promise<Key[]> {
    const { keyPrefix, ...own } = options === undefined ? {} : readOptions<StoreMultiOptions>(options, storeMultiNames);
    const store = checkStore(own);
    const { keys, values } = toEntryLists(entries, method);
    // All of them first: a value that cannot be stored refuses the call before anything is sent.
    const payloads = this.#serializer.toPayloads(values, store);
    const { stored: decode } = this.#decoders;
    const operation = new MultiOperation({ op, method, keys, keyPrefix, decode, fallback: false, payloads });
    return toKeysNotStored(await this.#executor.send(operation, store.call), keys);
  }

  /** Deletes a key. Resolves with whether it existed. */
  delete(key: Key, options?: CallOptions): Promise<boolean> {
    rejectCallback(options);
    return rejecting(() => {
      rejectTime(options);
      return this.#executor.send(new SingleOperation(Op.Delete, key, this.#decoders.exists, false), options);
    });
  }

  /** Deletes many keys. Resolves with true only if all existed. */
  deleteMulti(keys: Iterable<Key>, options?: MultiOptions): Promise<boolean> {
    rejectCallback(options);
    return this.#deleteMulti(keys, options);
  }

  async #deleteMulti(given: Iterable<Key>, options: MultiOptions | undefined): Promise<boolean> {
    rejectTime(options);
    const { keyPrefix, call } = checkMultiOptions(options);
    const keys = toKeyList(given, 'deleteMulti');
    const { exists: decode } = this.#decoders;
    const operation = new MultiOperation({
      op: Op.Delete,
      method: 'deleteMulti',
      keys,
      keyPrefix,
      decode,
      fallback: false,
    });
    return areAllTrue(await this.#executor.send(operation, call));
  }

  /** Sets a key's expiry. Resolves with false if the key does not exist. */
  touch(key: Key, time: TimeArg, options?: CallOptions): Promise<boolean> {
    rejectCallback(time);
    rejectCallback(options);
    return rejecting(() => {
      if ((time as unknown) === undefined) throw new TypeError('touch: time is required (0 = never expires)');
      const payload = makePayload('', 0, toExpiry(time));
      return this.#executor.send(new SingleOperation(Op.Touch, key, this.#decoders.exists, false, payload), options);
    });
  }

  /**
   * Resolves with a key's value as `get` does, and sets when it expires: seconds (0 is never) or a Date. A touch and a get,
   * sent together on one connection; not atomic, since libmemcached has no get-and-touch.
   */
  getAndTouch<T = unknown>(key: Key, time: TimeArg): Promise<T | undefined>;
  getAndTouch<T = unknown, D = undefined>(
    key: Key,
    time: TimeArg,
    defaultValue: D,
    options?: CallOptions,
  ): Promise<T | D>;
  getAndTouch<T>(key: Key, time: TimeArg, defaultValue: T, options?: CallOptions): Promise<T>;
  getAndTouch(key: Key, time: TimeArg, defaultValue?: unknown, given?: CallOptions): Promise<unknown> {
    rejectCallback(time);
    rejectCallback(defaultValue);
    rejectCallback(given);
    return rejecting(async () => {
      if ((time as unknown) === undefined) throw new TypeError('getAndTouch: time is required (0 = never expires)');
      const payload = makePayload('', 0, toExpiry(time));
      const options = readCallOptions(given);
      const own = isBytes(key) ? ownCopy(key) : key;
      const touch = new SingleOperation(Op.Touch, own, this.#decoders.exists, false, payload);
      const get = new SingleOperation(Op.Get, own, this.#decoders.valueOrFallback, defaultValue);
      const [, value] = await Promise.all([this.#executor.send(touch, options), this.#executor.send(get, options)]);
      return value;
    });
  }

  // Counting.

  /**
   * Adds `delta` (0 … 2^64-1). Resolves with the new value, which wraps at 2^64. Rejects with NotFound if the key does not
   * exist, and with a RangeError that carries `value` if the new value is above 2^53-1 and `bigint` is not set.
   *
   * With `initial`, a counter that does not exist is created, by a second request (`add`): as the integer that `set` would
   * store (plain bytes, if the codec stores no digits for it). If another client was faster, it counts on. Operations that
   * are called before it has settled may take effect between its requests.
   */
  incr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  incr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  incr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#adjustCounter(Op.Incr, key, delta, options);
  }

  /** Subtracts `delta`; never goes below 0. As `incr`. */
  decr(key: Key, delta: number | bigint | undefined, options: CounterOptions & { bigint: true }): Promise<bigint>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions & { bigint?: false | undefined }): Promise<number>;
  decr(key: Key, delta?: number | bigint, options?: CounterOptions): Promise<number | bigint>;
  decr(key: Key, delta: number | bigint = 1, options?: CounterOptions): Promise<number | bigint> {
    return this.#adjustCounter(Op.Decr, key, delta, options);
  }

  #adjustCounter(
    op: typeof Op.Incr | typeof Op.Decr,
    key: Key,
    delta: number | bigint,
    options: CounterOptions | undefined,
  ): Promise<number | bigint> {
    rejectCallback(delta);
    rejectCallback(options);
    return rejecting(() => {
      const exactDelta = checkUint64(delta, 'delta');
      const { initial, expiry, bigint, call } = checkCounterOptions(options);
      const decoders = this.#decoders;
      if (initial !== undefined) {
        const counter = { op, key, delta: exactDelta, initial, expiry, bigint };
        return this.#executor.adjustCounter(new InitialCounter(counter, decoders, this.#serializer), call);
      }
      const decode: Decoder<number | bigint> = bigint ? decoders.exactCounter : decoders.counter;
      const payload = makePayload('', 0, 0, exactDelta);
      return this.#executor.send(new SingleOperation(op, key, decode, noFallback, payload), call);
    });
  }

  /**
   * Adds `delta` (default 1) to many counters. Resolves with their new values. Rejects with NotFound if any does not exist,
   * after all were tried: the error is a PartialFailure, too, and carries `values` and `failedKeys`.
   */
  incrMulti(keys: Iterable<string>, options?: CountMultiOptions): Promise<Map<string, number>>;
  incrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>>;
  incrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>> {
    rejectCallback(options);
    return this.#adjustCounters(Op.Incr, 'incrMulti', keys, options);
  }

  /** As `incrMulti`, subtracting. */
  decrMulti(keys: Iterable<string>, options?: CountMultiOptions): Promise<Map<string, number>>;
  decrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>>;
  decrMulti(keys: Iterable<Key>, options?: CountMultiOptions): Promise<Map<Key, number>> {
    rejectCallback(options);
    return this.#adjustCounters(Op.Decr, 'decrMulti', keys, options);
  }

  async #adjustCounters(
    op: Op,
    method: string,
    given: Iterable<Key>,
    options: CountMultiOptions | undefined,
  ): Promise<Map<Key, number>> {
    const { keyPrefix, delta = 1, call } = checkMultiOptions(options, countMultiNames);
    const keys = toKeyList(given, method);
    const payloads = makePayload('', 0, 0, checkUint64(delta, 'delta'));
    const { counter: decode } = this.#decoders;
    const operation = new MultiOperation({ op, method, keys, keyPrefix, decode, fallback: noFallback, payloads });
    return toMap(await this.#executor.send(operation, call), keys);
  }
}

type StoreMultiOptions = StoreOptions & MultiOptions;

const multiNames = ['timeout', 'signal', 'keyPrefix'] as const satisfies (keyof MultiOptions)[];
const countMultiNames = [...multiNames, 'delta'] as const satisfies (keyof CountMultiOptions)[];
const storeMultiNames = [
  ...multiNames,
  'time',
  'minCompressLen',
  'compressLevel',
] as const satisfies (keyof StoreMultiOptions)[];
const noOptions: CheckedMultiOptions = { call: undefined };

interface CheckedMultiOptions extends Pick<CountMultiOptions, 'keyPrefix' | 'delta'> {
  call: CallOptions | undefined;
}

/** @throws TypeError for an unknown name */
function checkMultiOptions(
  given: CountMultiOptions | undefined,
  names: readonly (keyof CountMultiOptions)[] = multiNames,
): CheckedMultiOptions {
  if (given === undefined) return noOptions;
  const options = readOptions<CountMultiOptions>(given, names);
  const { keyPrefix, delta } = options;
  return { keyPrefix, delta, call: callOf(options) };
}
