/** `getOrSet`: what its caller may give, and the plan that is made of it. */

import { checkStoreOptions, type StoreOptions } from '../operations/arguments';
import { checkTimeout, type CallOptions } from '../options/call-options';
import { toExpiry, isDate, type TimeArg } from '../options/expiry';
import { describeType } from '../describe-type';
import { assertKey, badKeyError, ownCopy, keyBytes, type Key } from '../options/keys';
import { leaseSuffix } from './lease';

export interface GetOrSetOptions extends StoreOptions {
  /**
   * Seconds, after `time` is over, for which the old value is still served while one caller loads a new one. Needs a
   * `time`. Default 0: it is not.
   */
  staleFor?: number | undefined;
  /**
   * Seconds that a load takes at most, 1 … 86,400: so long nobody else loads, in any process. Whoever takes longer loads
   * for himself only. Default 10.
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
  /** On the clock of performance.now(). */
  deadline: number;
  /** Milliseconds. */
  timeout: number;
  /** Of the first look. */
  call: CallOptions | undefined;
}

const ownOptions = ['staleFor', 'leaseFor'];
const maxLeaseSeconds = 86_400;
const defaultLeaseSeconds = 10;
const timeoutGraceMs = 2000;

/** @throws TypeError, RangeError, BadKeyProvided */
export function toPlan(
  key: Key,
  loader: unknown,
  given: TimeArg | GetOrSetOptions | undefined,
  limits: { maxKeyBytes: number; timeout: number },
): Plan {
  assertKey(key, 'getOrSet');
  const longest = limits.maxKeyBytes - leaseSuffix.length;
  if (key.length === 0) throw badKeyError(key, 'getOrSet', 'it is empty');
  if (keyBytes(key).length > longest)
    throw badKeyError(key, 'getOrSet', `it has more than ${String(longest)} bytes, which is the limit with its lease`);
  if (typeof loader !== 'function')
    throw new TypeError(`getOrSet: the loader must be a function, not ${describeType(loader)}`);
  checkStoreOptions(given, ownOptions);
  const options: GetOrSetOptions = typeof given === 'object' && !isDate(given) ? given : ofTime(given);
  const {
    time = 0,
    staleFor = 0,
    leaseFor = defaultLeaseSeconds,
    minCompressLen = 0,
    compressLevel = -1,
    signal,
  } = options;
  checkSeconds(staleFor, 'staleFor', 0, Infinity);
  checkSeconds(leaseFor, 'leaseFor', 1, maxLeaseSeconds);
  if (staleFor > 0 && time === 0) throw new TypeError('getOrSet: staleFor needs a time after which the value is stale');
  const lastUntil = isDate(time) ? new Date(time.getTime() + staleFor * 1000) : time + staleFor;
  toExpiry(lastUntil);
  const timeout = options.timeout === undefined ? leaseFor * 2000 + timeoutGraceMs : checkTimeout(options.timeout);
  const own = ownCopy(key);
  return {
    key: own,
    load: () => (loader as Loader<unknown>)(own),
    store: { time: lastUntil, minCompressLen, compressLevel },
    freshUntil: time,
    servesStale: staleFor > 0,
    leaseFor: Math.ceil(leaseFor),
    deadline: performance.now() + timeout,
    timeout,
    call: callOptions(Math.min(timeout, limits.timeout), options.timeout, signal),
  };
}

function ofTime(time: TimeArg | undefined): GetOrSetOptions {
  return time === undefined ? {} : { time };
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
  const range = most === Infinity ? `${String(least)}, or 1 and more` : `${String(least)} … ${String(most)}`;
  throw new RangeError(`getOrSet: ${name} must be a number of seconds, ${range}: ${String(value)}`);
}
