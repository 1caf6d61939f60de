/** `getOrSet`: what its caller may give, and the plan that is made of it. */

import { checkStore, type StoreOptions } from '../operations/arguments';
import { readOptions, type CallOptions } from '../options/call-options';
import { isDate, later, millisecondsOf, toExpiry, type TimeArg } from '../options/expiry';
import { describeType } from '../describe-type';
import { assertKey, badKeyError, keyBytes, ownCopy, type Key } from '../options/keys';
import { leasePrefix } from './lease';
import { now } from '../timing';

export interface GetOrSetOptions extends StoreOptions {
  /**
   * Seconds, after `time` is over, for which the old value is still served while one caller loads a new one. Needs a
   * `time`. Default 0: stale values are not served.
   */
  staleFor?: number | undefined;
  /**
   * Seconds for which the lease is held, 1 … 86,400: until then no other process loads. What takes longer to load is returned
   * to its callers, but not stored. Default 10.
   */
  leaseFor?: number | undefined;
  /**
   * Milliseconds until it rejects with a TimeoutError, the load included. Default: twice `leaseFor`, and 2 seconds, which is
   * enough to outlast a process that died while it was loading.
   */
  timeout?: number | undefined;
}

/** Loads what is not in the cache. `undefined` is not stored. */
export type Loader<T> = (key: Key) => T | Promise<T>;

/** A checked call. */
export interface Plan {
  /** As it was given, for messages. */
  key: Key;
  load: () => unknown;
  /** When the value is gone. */
  store: StoreOptions;
  /** When it is due to be loaded again. */
  freshUntil: TimeArg;
  servesStale: boolean;
  /** Seconds. */
  leaseFor: number;
  /** On the clock of now(). */
  deadline: number;
  /** Milliseconds. */
  timeout: number;
  /** Of the first look. */
  call: CallOptions | undefined;
}

const names = [
  ...(['timeout', 'signal', 'time', 'minCompressLen', 'compressLevel'] as const),
  ...(['staleFor', 'leaseFor'] as const),
] as const satisfies (keyof GetOrSetOptions)[];
const maxLeaseSeconds = 86_400;
const defaultLeaseSeconds = 10;
const timeoutGraceMs = 2000;

/** @throws TypeError, RangeError, BadKeyProvided */
export function toPlan(
  given: Key,
  loader: unknown,
  timeOrOptions: TimeArg | GetOrSetOptions | undefined,
  limits: { maxKeyBytes: number; timeout: number },
): Plan {
  assertKey(given, 'getOrSet');
  const key = ownCopy(given);
  const longest = limits.maxKeyBytes - leasePrefix.length;
  if (key.length === 0) throw badKeyError(key, 'getOrSet', 'it is empty');
  if (keyBytes(key).length > longest)
    throw badKeyError(
      key,
      'getOrSet',
      `it has more than ${String(longest)} bytes, the limit for getOrSet, which stores a lease beside the value`,
    );
  if (typeof loader !== 'function')
    throw new TypeError(`getOrSet: the loader must be a function, not ${describeType(loader)}`);
  const options = toOptions(timeOrOptions);
  checkStore(options);
  const { staleFor = 0, leaseFor = defaultLeaseSeconds, minCompressLen = 0, compressLevel = -1, signal } = options;
  // A Date is the caller's, who may change it while the value is loaded.
  const time = isDate(options.time) ? new Date(millisecondsOf(options.time)) : (options.time ?? 0);
  checkSeconds(staleFor, 'staleFor', 0, Infinity);
  checkSeconds(leaseFor, 'leaseFor', 1, maxLeaseSeconds);
  if (staleFor > 0 && time === 0)
    throw new TypeError('getOrSet: staleFor requires time, after which the value is stale');
  const lastUntil = later(time, staleFor);
  toExpiry(lastUntil);
  const timeout = options.timeout ?? leaseFor * 2000 + timeoutGraceMs;
  return {
    key,
    // A copy: what a loader does to its key must not lead its value elsewhere.
    load: () => (loader as Loader<unknown>)(ownCopy(key)),
    store: { time: lastUntil, minCompressLen, compressLevel },
    freshUntil: time,
    servesStale: staleFor > 0,
    leaseFor: Math.ceil(leaseFor),
    deadline: now() + timeout,
    timeout,
    call: callOptions(Math.min(timeout, limits.timeout), options.timeout, signal),
  };
}

/** @throws TypeError, RangeError, the signal's reason */
function toOptions(given: TimeArg | GetOrSetOptions | undefined): GetOrSetOptions {
  if (given === undefined) return {};
  if (typeof given === 'number' || isDate(given)) return { time: given };
  return readOptions<GetOrSetOptions>(given, names);
}

function callOptions(
  shortest: number,
  given: number | undefined,
  signal: AbortSignal | undefined,
): CallOptions | undefined {
  if (given === undefined && signal === undefined) return undefined;
  return { timeout: shortest, signal };
}

function checkSeconds(value: unknown, name: string, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`getOrSet: ${name} must be a number, not ${describeType(value)}`);
  if (value === least || (value >= 1 && value <= most)) return;
  const range = most === Infinity ? `${String(least)}, or at least 1` : `${String(least)} … ${String(most)}`;
  throw new RangeError(`getOrSet: ${name} must be a number of seconds, ${range}: ${String(value)}`);
}
