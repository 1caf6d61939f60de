/** Many keys: from checked arguments to one promise for all. */

import { checkDelta, checkStoreOptions, compressParts, serializedParts, type StoreOptions } from './arguments';
import { BadKeyProvided, ClientClosed, NotFound } from '../errors';
import { ownCopy, type Key } from '../options/keys';
import {
  entryList,
  gather,
  keyList,
  prefixedKeys,
  type CountMultiOptions,
  type Gathered,
  type MultiOptions,
} from './multi-operation';
import type { Decoder } from './operation';
import { miss } from './decoders';
import type { Requests } from './executor';
import { isOutage, publishFailure } from '../observability/fail-soft';
import { plainDetails, type Details } from '../dispatch/submission-buffer';
import { Op } from '../addon/record-layout';

const multiNames = ['keyPrefix'];

/** What the error of a multi-get, incrMulti or decrMulti carries. */
export interface PartialResults {
  /** What was read all the same. */
  values: Map<Key, unknown>;
  /** The keys whose values are not known. */
  failedKeys: Key[];
}

/** Under `failSoft` a call that is refused as a whole (Busy) counts as an outage, too. */
async function softly<T>(requests: Requests, otherwise: () => T, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!requests.failSoft || !isOutage(error)) throw error;
    publishFailure(error);
    return otherwise();
  }
}

export async function readMulti(
  requests: Requests,
  op: typeof Op.Get | typeof Op.Gets,
  keys: Iterable<Key>,
  decode: Decoder,
  options: MultiOptions | undefined,
): Promise<Map<Key, unknown>> {
  const list = keyList(keys, op === Op.Get ? 'getMulti' : 'getsMulti');
  const read = async (): Promise<Map<Key, unknown>> => {
    const gathered = await gatherShort(requests, op, list, decode, miss, options);
    if (requests.failSoft) forgiveOutages(gathered, miss);
    return resultMap(gathered);
  };
  return softly(requests, () => new Map<Key, unknown>(), read);
}

export async function deleteMulti(
  requests: Requests,
  keys: Iterable<Key>,
  options: MultiOptions | undefined,
): Promise<boolean> {
  const list = keyList(keys, 'deleteMulti');
  const deleteAll = async (): Promise<boolean> => {
    const gathered = await gatherShort(requests, Op.Delete, list, requests.decoders.found, undefined, options);
    if (requests.failSoft) forgiveOutages(gathered, false);
    throwFirst(gathered, () => true);
    return gathered.results.every((deleted) => deleted === true);
  };
  return softly(requests, () => false, deleteAll);
}

/** Resolves to the keys that were not stored. */
export async function storeMulti(
  requests: Requests,
  op: typeof Op.Set | typeof Op.Add,
  entries: unknown,
  options: (StoreOptions & MultiOptions) | undefined,
): Promise<Key[]> {
  const { keys, values } = entryList(entries, op === Op.Set ? 'setMulti' : 'addMulti');
  const store = checkStoreOptions(options, multiNames);
  const wireKeys = prefixedKeys(keys, op, requests.dispatcher.submission, options?.keyPrefix);
  // All of them first: a value that cannot be stored refuses the call before anything is sent. Strings and bytes are the
  // caller's own until they are copied below, in this same tick.
  let minCompressLen = 0;
  const parts = values.map((value) => {
    const part = serializedParts(value, requests.serialize);
    minCompressLen = compressParts(part, store, requests.codec);
    // A codec of the user's may use the same memory for the next value.
    return { data: requests.serialize === undefined ? part.data : ownCopy(part.data), flags: part.flags };
  });
  const details: Details = { ...plainDetails };
  details.expiry = store.expiry;
  details.minCompressLen = minCompressLen;
  details.compressLevel = store.compressLevel;
  const { dispatcher, decoders, isFollowUp } = requests;
  const storeAll = async (): Promise<Key[]> => {
    const call = { op, keys, wireKeys, decode: decoders.stored, extra: undefined, options: store.call, isFollowUp };
    const gathered = await gather(dispatcher, call, (waiter, member, timeout) => {
      const part = parts[member] as { data: string | Uint8Array; flags: number };
      details.flags = part.flags;
      return dispatcher.sendMemberLong(waiter, member, wireKeys[member] as Key, part.data, details, timeout);
    });
    // A key that the server's protocol cannot carry is the caller's mistake: said, not listed.
    throwFirst(gathered, (error) => error instanceof BadKeyProvided || error instanceof ClientClosed);
    if (requests.failSoft) forgiveOutages(gathered, false);
    return keys.filter((_key, index) => gathered.results[index] !== true);
  };
  return softly(requests, () => keys, storeAll);
}

export async function countMulti(
  requests: Requests,
  op: typeof Op.Incr | typeof Op.Decr,
  keys: Iterable<Key>,
  options: CountMultiOptions | undefined,
): Promise<Map<Key, number>> {
  const list = keyList(keys, op === Op.Incr ? 'incrMulti' : 'decrMulti');
  const { delta = 1 } = options ?? {};
  const details: Details = {
    ...plainDetails,
    number: checkDelta(delta, 'delta'),
  };
  const { dispatcher, decoders, isFollowUp } = requests;
  const wireKeys = prefixedKeys(list, op, dispatcher.submission, options?.keyPrefix);
  const call = { op, keys: list, wireKeys, decode: decoders.counter, extra: false, options, isFollowUp };
  const gathered = await gather(dispatcher, call, (waiter, member, timeout) =>
    dispatcher.sendMemberLong(waiter, member, wireKeys[member] as Key, '', details, timeout),
  );
  return resultMap(gathered) as Map<Key, number>;
}

function gatherShort(
  requests: Requests,
  op: Op,
  keys: readonly Key[],
  decode: Decoder,
  extra: unknown,
  options: MultiOptions | undefined,
): Promise<Gathered> {
  const { dispatcher, isFollowUp } = requests;
  const wireKeys = prefixedKeys(keys, op, dispatcher.submission, options?.keyPrefix);
  return gather(dispatcher, { op, keys, wireKeys, decode, extra, options, isFollowUp }, (waiter, member, timeout) =>
    dispatcher.sendMemberShort(waiter, member, wireKeys[member] as Key, timeout),
  );
}

/** `failSoft`: what an outage kept from us is a miss, or was not stored. */
function forgiveOutages(gathered: Gathered, otherwise: unknown): void {
  if (!gathered.hasErrors) return;
  for (const [index, error] of gathered.errors.entries()) {
    if (!isOutage(error)) continue;
    publishFailure(error);
    gathered.errors[index] = undefined;
    gathered.results[index] = otherwise;
  }
  gathered.hasErrors = gathered.errors.some((error) => error !== undefined);
}

/** The results that are there, by the keys as they were given. @throws one error, with `values` and `failedKeys` */
function resultMap(gathered: Gathered): Map<Key, unknown> {
  const values = new Map<Key, unknown>();
  const failedKeys: Key[] = [];
  for (let index = 0; index < gathered.keys.length; ++index) {
    const key = gathered.keys[index] as Key;
    if (gathered.errors[index] !== undefined) failedKeys.push(key);
    else if (gathered.results[index] !== miss) values.set(key, gathered.results[index]);
  }
  if (!gathered.hasErrors) return values;
  throw Object.assign(summary(gathered, failedKeys), { values, failedKeys } satisfies PartialResults);
}

/** The first error, with the others counted; a NotFound only if there is nothing worse. */
function summary(gathered: Gathered, failedKeys: readonly Key[]): Error {
  const errors = gathered.errors.filter((error): error is Error => error !== undefined);
  const worst = errors.find((error) => !(error instanceof NotFound)) ?? errors[0] ?? new Error('no error');
  const others = failedKeys.length - 1;
  if (others > 0) worst.message += ` (and ${String(others)} more ${others === 1 ? 'key' : 'keys'} failed)`;
  return worst;
}

function throwFirst(gathered: Gathered, isWanted: (error: Error) => boolean): void {
  const first = gathered.errors.find((error) => error !== undefined && isWanted(error));
  if (first !== undefined) throw first;
}
