/** Operations on many keys: one operation for each, settled together. */

import type { CallOptions, Dispatcher } from './dispatcher';
import { assertKey, badKey, longestKey, keyBytes, isTextByte, nameOf, withPrefix, type Key } from './keys';
import type { Decoder, Group } from './operation';
import { Operation } from './operation';
import { operationNames, type Op } from './wire';

export interface MultiOptions extends CallOptions {
  /** Goes before each key on the wire; results hold the keys without it. */
  keyPrefix?: Key | undefined;
}

/** What became of every key, in the order in which they were given. */
export interface Gathered {
  keys: readonly Key[];
  results: unknown[];
  /** By index; undefined where there was no error. */
  errors: (Error | undefined)[];
  hasErrors: boolean;
}

class Gatherer implements Group {
  readonly gathered: Gathered;
  #left: number;
  readonly #resolve: (gathered: Gathered) => void;

  constructor(keys: readonly Key[], resolve: (gathered: Gathered) => void) {
    const results = new Array<unknown>(keys.length);
    this.gathered = { keys, results, errors: [], hasErrors: false };
    this.#left = keys.length;
    this.#resolve = resolve;
  }

  done(index: number, result: unknown): void {
    this.gathered.results[index] = result;
    if (--this.#left === 0) this.#resolve(this.gathered);
  }

  failed(index: number, error: unknown): void {
    this.gathered.errors[index] = error as Error;
    this.gathered.hasErrors = true;
    if (--this.#left === 0) this.#resolve(this.gathered);
  }
}

/**
 * The keys as they go on the wire, all checked: one bad key refuses the call before anything is sent.
 *
 * @throws TypeError, BadKeyProvided
 */
export function prefixedKeys(
  keys: readonly Key[],
  op: Op,
  limits: { readonly longestKey: number; readonly textOnly: boolean },
  keyPrefix: Key | undefined,
): readonly Key[] {
  const name = `${operationNames[op]}Multi`;
  if (keyPrefix !== undefined) assertKey(keyPrefix, `${name}: keyPrefix`);
  const hasPrefix = keyPrefix !== undefined && keyPrefix.length > 0;
  const wireKeys = hasPrefix ? new Array<Key>(keys.length) : keys;
  for (let index = 0; index < keys.length; ++index) {
    const key = keys[index] as Key;
    assertKey(key, name);
    const wireKey = hasPrefix ? withPrefix(keyPrefix, key) : key;
    if (hasPrefix) (wireKeys as Key[])[index] = wireKey;
    // An empty key stays an error with a prefix: it would silently be the prefix's own.
    if (key.length === 0) throw badKey(key, name, 'it is empty');
    const surelyFits = wireKey.length * 3 <= limits.longestKey;
    if (!surelyFits && keyBytes(wireKey).length > limits.longestKey)
      throw badKey(key, name, `it has more than ${String(longestKey)} bytes, with prefix and namespace`);
    if (limits.textOnly && !keyBytes(wireKey).every(isTextByte))
      throw badKey(key, name, 'the text protocol allows no whitespace and no control bytes');
  }
  return wireKeys;
}

/** A list of keys from what a caller gave. @throws TypeError */
export function keyList(keys: Iterable<Key>, name: string): readonly Key[] {
  const given: unknown = keys;
  if (Array.isArray(given)) return given as readonly Key[];
  const isIterable = typeof given === 'object' && given !== null && Symbol.iterator in given;
  if (!isIterable || given instanceof Map || given instanceof Uint8Array)
    throw new TypeError(`${name}: keys must be an array or another iterable of keys, not ${nameOf(given)}`);
  return [...(given as Iterable<Key>)];
}

/** Keys and values from a Map, a plain object or an iterable of pairs. @throws TypeError */
export function entryList(entries: unknown, name: string): { keys: Key[]; values: unknown[] } {
  if (typeof entries !== 'object' || entries === null)
    throw new TypeError(`${name}: entries must be a Map, an object or an iterable of pairs, not ${nameOf(entries)}`);
  const pairs: Iterable<unknown> =
    Symbol.iterator in entries ? (entries as Iterable<unknown>) : Object.entries(entries);
  const keys: Key[] = [];
  const values: unknown[] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new TypeError(`${name}: an entry must be a pair of key and value, not ${nameOf(pair)}`);
    keys.push(pair[0] as Key);
    values.push(pair[1]);
  }
  return { keys, values };
}

/**
 * Sends one operation for each key and resolves when all have settled; rejects only if the signal is aborted.
 * `send` writes the operation number `index`.
 */
export function gather(
  dispatcher: Dispatcher,
  op: Op,
  keys: readonly Key[],
  decode: Decoder,
  extra: unknown,
  options: CallOptions | undefined,
  send: (operation: Operation, index: number, options: CallOptions | undefined) => number,
): Promise<Gathered> {
  dispatcher.admitMany(keys.length, op, options);
  if (keys.length === 0) return Promise.resolve({ keys, results: [], errors: [], hasErrors: false });
  const signal = options?.signal;
  // One listener for the whole call; the members only need the timeout.
  const memberOptions = options?.timeout === undefined ? undefined : { timeout: options.timeout };
  return new Promise<Gathered>((resolve, reject) => {
    const group = new Gatherer(keys, (gathered) => {
      signal?.removeEventListener('abort', onAbort);
      resolve(gathered);
    });
    const operations: Operation[] = [];
    const slots: number[] = [];
    const onAbort = (): void => {
      dispatcher.abandonMany(operations, slots);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller chose the reason
      reject(signal?.reason);
    };
    for (let index = 0; index < keys.length; ++index) {
      const operation = new Operation(op, keys[index], decode, extra, group, index, 0);
      const slot = send(operation, index, memberOptions);
      if (signal === undefined) continue;
      operations.push(operation);
      slots.push(slot);
    }
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
