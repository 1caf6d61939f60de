/** An operation on many keys: a request for each, settled together. */

import { types } from 'node:util';

import type { Op } from '../addon/record-layout';
import type { Completion, Payload } from '../dispatch/pending-operation';
import { noFallback } from '../observability/fail-soft';
import type { CallOptions } from '../options/call-options';
import { isBytes } from '../bytes';
import { describeType } from '../describe-type';
import {
  assertKey,
  badKeyError,
  isInternal,
  lengthOf,
  ownCopy,
  whyBadKey,
  whyInternal,
  withPrefix,
  type Key,
  type KeyLimits,
} from '../options/keys';
import type { Decoder, Operation, Subject } from './operation';

export interface MultiOptions extends CallOptions {
  /** Goes before each key on the wire; results hold the keys without it. */
  keyPrefix?: Key | undefined;
}

/** Keys with their values. */
export type Entries<K extends Key = Key> =
  ReadonlyMap<K, unknown> | Readonly<Record<string, unknown>> | Iterable<readonly [K, unknown]>;

/** What became of every key, in the order in which they were given. */
export interface MultiResult<T> {
  readonly keys: readonly Key[];
  /** By index; undefined where there was an error. */
  readonly results: (T | undefined)[];
  /** By index; undefined where there was no error. */
  readonly errors: unknown[];
  hasErrors: boolean;
}

export interface MultiRequest<T> {
  op: Op;
  /** What the caller called. */
  method: string;
  /** As they were given. */
  keys: readonly Key[];
  /** Copies of them, if they are sent again when the caller's bytes may be others. */
  ownKeys?: readonly Key[];
  keyPrefix: Key | undefined;
  decode: Decoder<T>;
  /** What failSoft resolves a key to instead of an outage. */
  fallback: T | typeof noFallback;
  /** By index, or one for all. */
  payloads?: readonly Payload[] | Payload | undefined;
}

export class MultiOperation<T> implements Operation<MultiResult<T>>, Subject {
  readonly op: Op;
  readonly size: number;
  readonly server = -1;
  readonly fallback: T | typeof noFallback;
  /** Of the request whose completion is being decoded. */
  key: Key | undefined;
  readonly wireKeys: readonly Key[];
  removeAbortListener: (() => void) | undefined;
  readonly #request: MultiRequest<T>;
  readonly #decode: Decoder<T>;
  #payloads: readonly Payload[] | Payload | undefined;
  readonly #result: MultiResult<T>;
  #left: number;
  #resolve: ((result: MultiResult<T>) => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  /** @throws TypeError or BadKeyProvided for a key or a prefix that no prefix makes good */
  constructor(request: MultiRequest<T>) {
    const { keys, ownKeys = keys, method, keyPrefix } = request;
    for (const key of ownKeys) assertMultiKey(key, method);
    if (keyPrefix !== undefined) assertKey(keyPrefix, `${method}: keyPrefix`);
    this.op = request.op;
    this.size = keys.length;
    this.fallback = request.fallback;
    this.key = undefined;
    this.wireKeys = toWireKeys(ownKeys, keyPrefix);
    this.removeAbortListener = undefined;
    this.#request = request;
    this.#decode = request.decode;
    this.#payloads = request.payloads;
    this.#result = { keys, results: new Array<T | undefined>(keys.length), errors: [], hasErrors: false };
    this.#left = keys.length;
    this.#resolve = undefined;
    this.#reject = undefined;
  }

  begin(limits: KeyLimits): Promise<MultiResult<T>> {
    const { keys, method } = this.#request;
    for (let index = 0; index < keys.length; ++index) {
      const wireKey = this.wireKeys[index] as Key;
      const reason = isInternal(wireKey) ? whyInternal : whyBadKey(wireKey, limits);
      if (reason !== undefined) throw badKeyError(keys[index] as Key, method, reason);
    }
    if (keys.length === 0) return Promise.resolve(this.#result);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  kept(): MultiOperation<T> {
    const { keys, keyPrefix, payloads } = this.#request;
    return new MultiOperation({
      ...this.#request,
      ownKeys: keys.map(ownCopy),
      keyPrefix: keyPrefix === undefined ? undefined : ownCopy(keyPrefix),
      payloads: Array.isArray(payloads)
        ? (payloads as readonly Payload[]).map((payload) => ({ ...payload, value: ownCopy(payload.value) }))
        : payloads,
    });
  }

  withPrefix(prefix: string): MultiOperation<T> {
    return new MultiOperation({ ...this.#request, keyPrefix: withPrefix(prefix, this.#request.keyPrefix ?? '') });
  }

  wholeFallback(): MultiResult<T> | typeof noFallback {
    if (this.fallback === noFallback) return noFallback;
    const { keys } = this.#request;
    return { keys, results: new Array<T>(keys.length).fill(this.fallback), errors: [], hasErrors: false };
  }

  partErrors(result: MultiResult<T>): readonly unknown[] {
    return result.errors;
  }

  forgiveParts(result: MultiResult<T>, isForgiven: (error: unknown) => boolean): MultiResult<T> {
    const { fallback } = this;
    if (!result.hasErrors || fallback === noFallback) return result;
    const { errors, results } = result;
    for (const [index, error] of errors.entries()) {
      if (error === undefined || !isForgiven(error)) continue;
      errors[index] = undefined;
      results[index] = fallback;
    }
    result.hasErrors = errors.some((error) => error !== undefined);
    return result;
  }

  keyAt(index: number): Key | undefined {
    return this.#request.keys[index];
  }

  wireKeyAt(index: number): Key | undefined {
    return this.wireKeys[index];
  }

  payloadAt(index: number): Payload | undefined {
    const payloads = this.#payloads;
    return Array.isArray(payloads) ? (payloads as readonly Payload[])[index] : (payloads as Payload | undefined);
  }

  releaseArguments(): void {
    this.#payloads = undefined;
  }

  complete(completion: Completion, index: number): void {
    this.key = this.#request.keys[index];
    try {
      this.#result.results[index] = this.#decode(completion, this);
    } catch (error) {
      this.fail(error, index);
      return;
    }
    if (--this.#left === 0) this.#settle();
  }

  fail(error: unknown, index: number): void {
    this.#result.errors[index] = error;
    this.#result.hasErrors = true;
    if (--this.#left === 0) this.#settle();
  }

  abort(reason: unknown): void {
    this.#reject?.(reason);
  }

  #settle(): void {
    this.removeAbortListener?.();
    this.#resolve?.(this.#result);
  }
}

/** @throws TypeError; BadKeyProvided if it is empty: behind a prefix it would silently be the prefix's own */
function assertMultiKey(key: unknown, method: string): void {
  assertKey(key, method);
  if (lengthOf(key) > 0) return;
  throw badKeyError(ownCopy(key), method, 'it is empty');
}

/** The keys as they go on the wire, the caller's bytes copied. */
function toWireKeys(keys: readonly Key[], keyPrefix: Key | undefined): readonly Key[] {
  const prefix = keyPrefix === undefined ? undefined : ownCopy(keyPrefix);
  const hasPrefix = prefix !== undefined && prefix.length > 0;
  // The list itself if its keys are strings: most are, and nobody else has it.
  if (!hasPrefix && keys.every((key) => typeof key === 'string')) return keys;
  return keys.map((key) => (hasPrefix ? withPrefix(prefix, key) : ownCopy(key)));
}

/** Returns a list of keys from what a caller gave. @throws TypeError */
export function toKeyList(keys: unknown, method: string): readonly Key[] {
  const isIterable = typeof keys === 'object' && keys !== null && Symbol.iterator in keys;
  if (!isIterable || types.isMap(keys) || isBytes(keys))
    throw new TypeError(`${method}: keys must be an array or another iterable of keys, not ${describeType(keys)}`);
  return take(keys as Iterable<Key>, method);
}

/** Returns keys and values from a Map, a plain object or an iterable of pairs. @throws TypeError */
export function toEntryLists(entries: unknown, method: string): { keys: Key[]; values: unknown[] } {
  if (typeof entries !== 'object' || entries === null)
    throw new TypeError(
      `${method}: entries must be a Map, an object or an iterable of pairs, not ${describeType(entries)}`,
    );
  const pairs: Iterable<unknown> =
    Symbol.iterator in entries ? (entries as Iterable<unknown>) : Object.entries(entries);
  const keys: Key[] = [];
  const values: unknown[] = [];
  for (const pair of take(pairs, method)) {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new TypeError(`${method}: an entry must be a pair of key and value, not ${describeType(pair)}`);
    keys.push(pair[0] as Key);
    values.push(pair[1]);
  }
  return { keys, values };
}

/** More could not be in flight (maxPending): where an iterable has no end, this is it. */
const maxMembers = 16_000_000;

/** A list of its own, which the caller cannot change before it is sent. @throws RangeError if it is too long */
function take<T>(members: Iterable<T>, method: string): T[] {
  const list: T[] = [];
  for (const member of members) {
    if (list.length === maxMembers) throw new RangeError(`${method}: more than ${maxMembers} keys`);
    list.push(member);
  }
  return list;
}
