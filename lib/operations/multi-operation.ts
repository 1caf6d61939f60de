/** Operations on many keys: one operation for each, settled together. */

import { onAbort } from '../dispatch/abort';
import type { CallOptions } from '../options/call-options';
import { describeMany } from './operation-context';
import type { Dispatcher } from '../dispatch/dispatcher';
import {
  assertKey,
  badKeyError,
  ownCopy,
  maxKeyBytes,
  keyBytes,
  isTextByte,
  describeType,
  withPrefix,
  type Key,
} from '../options/keys';
import type { Decoder, Reply, Subject, Waiter } from './operation';
import { isTraced, publishFailedKeys, traced } from '../observability/tracing';
import { operationNames, type Op } from '../addon/record-layout';

export interface MultiOptions extends CallOptions {
  /** Goes before each key on the wire; results hold the keys without it. */
  keyPrefix?: Key | undefined;
}

export interface CountMultiOptions extends MultiOptions {
  /** What is added or subtracted: 0 … 2^64-1. Default 1. */
  delta?: number | bigint | undefined;
}

/** Keys with their values. */
export type Entries = ReadonlyMap<Key, unknown> | Readonly<Record<string, unknown>> | Iterable<readonly [Key, unknown]>;

/** What became of every key, in the order in which they were given. */
export interface Gathered {
  keys: readonly Key[];
  results: unknown[];
  /** By index; undefined where there was no error. */
  errors: (Error | undefined)[];
  hasErrors: boolean;
}

/** All members of a multi-operation: one object for all keys. */
class Gatherer implements Waiter, Subject {
  readonly op: Op;
  readonly server = 0;
  readonly extra: unknown;
  detach: (() => void) | undefined;
  /** Of the member whose reply is being read. */
  key: Key | undefined;
  readonly gathered: Gathered;
  readonly #wireKeys: readonly Key[];
  readonly #decode: Decoder;
  #left: number;
  readonly #resolve: (gathered: Gathered) => void;

  constructor(call: MultiCall, resolve: (gathered: Gathered) => void) {
    this.op = call.op;
    this.extra = call.extra;
    this.detach = undefined;
    this.key = undefined;
    this.gathered = { keys: call.keys, results: new Array<unknown>(call.keys.length), errors: [], hasErrors: false };
    this.#wireKeys = call.wireKeys;
    this.#decode = call.decode;
    this.#left = call.keys.length;
    this.#resolve = resolve;
  }

  keyOf(member: number): Key | undefined {
    return this.gathered.keys[member];
  }

  wireKeyOf(member: number): Key | undefined {
    return this.#wireKeys[member];
  }

  complete(reply: Reply, member: number): void {
    this.key = this.gathered.keys[member];
    try {
      this.gathered.results[member] = this.#decode(reply, this);
    } catch (error) {
      this.fail(error, member);
      return;
    }
    if (--this.#left === 0) this.#resolve(this.gathered);
  }

  fail(error: unknown, member: number): void {
    this.gathered.errors[member] = error as Error;
    this.gathered.hasErrors = true;
    if (--this.#left === 0) this.#resolve(this.gathered);
  }
}

/**
 * The keys as they go on the wire, the caller's bytes copied, all checked: one bad key refuses the call before anything is sent.
 *
 * @throws TypeError, BadKeyProvided
 */
export function prefixedKeys(
  keys: readonly Key[],
  op: Op,
  limits: { readonly maxKeyBytes: number; readonly isText: boolean },
  keyPrefix: Key | undefined,
): readonly Key[] {
  const name = `${operationNames[op]}Multi`;
  if (keyPrefix !== undefined) assertKey(keyPrefix, `${name}: keyPrefix`);
  const hasPrefix = keyPrefix !== undefined && keyPrefix.length > 0;
  // The list itself while its keys are strings: most are, and nobody else has it.
  let wireKeys: Key[] | undefined;
  for (let index = 0; index < keys.length; ++index) {
    const key = keys[index] as Key;
    assertKey(key, name);
    let wireKey = key;
    if (hasPrefix || typeof key !== 'string') {
      wireKey = hasPrefix ? withPrefix(keyPrefix, key) : ownCopy(key);
      wireKeys ??= keys.slice();
      wireKeys[index] = wireKey;
    }
    // An empty key stays an error with a prefix: it would silently be the prefix's own.
    if (key.length === 0) throw badKeyError(key, name, 'it is empty');
    const surelyFits = wireKey.length * 3 <= limits.maxKeyBytes;
    if (!surelyFits && keyBytes(wireKey).length > limits.maxKeyBytes)
      throw badKeyError(key, name, `it has more than ${String(maxKeyBytes)} bytes, with prefix and namespace`);
    if (limits.isText && !keyBytes(wireKey).every(isTextByte))
      throw badKeyError(key, name, 'the text protocol allows no whitespace and no control bytes');
  }
  return wireKeys ?? keys;
}

/** A list of keys from what a caller gave. @throws TypeError */
export function keyList(keys: Iterable<Key>, name: string): readonly Key[] {
  const given: unknown = keys;
  if (Array.isArray(given)) return given.slice() as Key[]; // the caller may change it meanwhile
  const isIterable = typeof given === 'object' && given !== null && Symbol.iterator in given;
  if (!isIterable || given instanceof Map || given instanceof Uint8Array)
    throw new TypeError(`${name}: keys must be an array or another iterable of keys, not ${describeType(given)}`);
  return [...(given as Iterable<Key>)];
}

/** Keys and values from a Map, a plain object or an iterable of pairs. @throws TypeError */
export function entryList(entries: unknown, name: string): { keys: Key[]; values: unknown[] } {
  if (typeof entries !== 'object' || entries === null)
    throw new TypeError(
      `${name}: entries must be a Map, an object or an iterable of pairs, not ${describeType(entries)}`,
    );
  const pairs: Iterable<unknown> =
    Symbol.iterator in entries ? (entries as Iterable<unknown>) : Object.entries(entries);
  const keys: Key[] = [];
  const values: unknown[] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new TypeError(`${name}: an entry must be a pair of key and value, not ${describeType(pair)}`);
    keys.push(pair[0] as Key);
    values.push(pair[1]);
  }
  return { keys, values };
}

export interface MultiCall {
  op: Op;
  /** As they were given. */
  keys: readonly Key[];
  wireKeys: readonly Key[];
  decode: Decoder;
  extra: unknown;
  options: CallOptions | undefined;
  isFollowUp: boolean;
}

/** Sends one member; returns its slot. */
export type SendMember = (waiter: Waiter, member: number, timeout: number) => number;

/**
 * Sends one operation for each key and resolves when all have settled; rejects only if the signal is aborted.
 *
 * @throws ClientClosed, Busy, or what is wrong with the options
 */
export function gather(dispatcher: Dispatcher, call: MultiCall, send: SendMember): Promise<Gathered> {
  return isTraced() ? tracedGather(dispatcher, call, send) : gatherAll(dispatcher, call, send);
}

async function tracedGather(dispatcher: Dispatcher, call: MultiCall, send: SendMember): Promise<Gathered> {
  const context = describeMany(dispatcher, call.op, call.wireKeys);
  let gathered: Gathered | undefined;
  await traced(context, async () => {
    gathered = await gatherAll(dispatcher, call, send);
    publishFailedKeys(context, gathered.errors);
  });
  return gathered as unknown as Gathered;
}

function gatherAll(dispatcher: Dispatcher, call: MultiCall, send: SendMember): Promise<Gathered> {
  const { keys, options } = call;
  const timeout = dispatcher.admitMany(keys.length, call.op, options, call.isFollowUp);
  if (keys.length === 0) return Promise.resolve({ keys, results: [], errors: [], hasErrors: false });
  const signal = options?.signal;
  return new Promise<Gathered>((resolve, reject) => {
    const slots: number[] | undefined = signal === undefined ? undefined : [];
    const giveUp = (reason: unknown): void => {
      dispatcher.abandonMany(gatherer, slots);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own, or what was thrown
      reject(reason);
    };
    let detach = (): void => undefined;
    const gatherer = new Gatherer(call, (gathered) => {
      detach();
      resolve(gathered);
    });
    try {
      for (let member = 0; member < keys.length; ++member) {
        const slot = send(gatherer, member, timeout);
        slots?.push(slot);
      }
    } catch (error) {
      giveUp(error); // out of memory, say: nobody is told of those that were sent
      return;
    }
    if (signal === undefined) return;
    detach = onAbort(signal, () => {
      giveUp(signal.reason);
    });
  });
}
