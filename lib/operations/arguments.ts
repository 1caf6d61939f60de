/** Options of operations on keys, and their checks. */

import { assertOptions, rejectUnknownOptions, type CallOptions } from '../options/call-options';
import { isDate, toExpiry, type TimeArg } from '../options/expiry';
import { describeType } from '../describe-type';
import { checkInteger, checkUint64, maxUint32, maxUint64 } from '../options/ranges';

export interface StoreOptions extends CallOptions {
  /** Seconds until it expires (0: never), or a Date. Default 0. */
  time?: TimeArg | undefined;
  /** Compress values of at least this many bytes, if that makes them smaller; 0 (the default): never. */
  minCompressLen?: number | undefined;
  /** zlib's level: 0 (none) … 9; -1 (the default) is zlib's own choice. */
  compressLevel?: number | undefined;
}

export interface CounterOptions extends CallOptions {
  /** Resolve to a bigint: exact up to 2^64-1. Default false. */
  bigint?: boolean | undefined;
  /** Create the counter with this value (0 … 2^64-1) if it does not exist. */
  initial?: number | bigint | undefined;
  /** With `initial`: when the counter that is created expires. Default: never. */
  time?: TimeArg | undefined;
}

export interface CheckedStoreOptions {
  readonly expiry: number;
  readonly minCompressLen: number;
  readonly compressLevel: number;
  readonly call: CallOptions | undefined;
}

export interface CheckedCounterOptions {
  readonly bigint: boolean;
  readonly initial: number | bigint | undefined;
  readonly expiry: number;
}

const maxStatsArgumentLength = 200;

const storeDefaults: CheckedStoreOptions = { expiry: 0, minCompressLen: 0, compressLevel: -1, call: undefined };
const counterDefaults: CheckedCounterOptions = { bigint: false, initial: undefined, expiry: 0 };

const callNames = ['timeout', 'signal'];
const storeNames = new Set([...callNames, 'time', 'minCompressLen', 'compressLevel']);
const counterNames = new Set([...callNames, 'bigint', 'initial', 'time']);

/**
 * `ownNames`: what the method takes besides StoreOptions.
 *
 * @throws TypeError for a wrong type or an unknown name, RangeError
 */
export function checkStoreOptions(
  given: TimeArg | StoreOptions | undefined,
  ownNames: readonly string[] = [],
): CheckedStoreOptions {
  if (given === undefined) return storeDefaults;
  if (typeof given === 'number' || isDate(given)) return { ...storeDefaults, expiry: toExpiry(given) };
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))
    throw new TypeError(`time must be a number of seconds, a Date or an options object, not ${describeType(given)}`);
  rejectUnknownOptions(given, storeNames, ownNames);
  const { time, minCompressLen = 0, compressLevel = -1 } = given;
  checkInteger(minCompressLen, 'minCompressLen', 0, maxUint32);
  checkInteger(compressLevel, 'compressLevel', -1, 9);
  return { expiry: toExpiry(time), minCompressLen, compressLevel, call: given };
}

/** Returns a CAS token. 0 is none: binary servers would store unconditionally. @throws TypeError, RangeError */
export function checkToken(cas: unknown): bigint {
  if (typeof cas !== 'bigint')
    throw new TypeError(`cas: the token must be the bigint that gets resolved to, not ${describeType(cas)}`);
  if (cas < 1n || cas > maxUint64) throw new RangeError(`cas: the token must be 1 … 2^64-1: ${cas}`);
  return cas;
}

/** @throws TypeError, RangeError */
export function checkCounterOptions(options: CounterOptions | undefined): CheckedCounterOptions {
  if (options === undefined) return counterDefaults;
  assertOptions(options);
  rejectUnknownOptions(options, counterNames);
  const initial = options.initial === undefined ? undefined : checkUint64(options.initial, 'initial');
  if (options.time !== undefined && initial === undefined)
    throw new TypeError('time requires initial: a counter that exists keeps its expiry');
  return { bigint: options.bigint === true, initial, expiry: toExpiry(options.time) };
}

/** pylibmc's delete takes no time either: memcached would refuse it. @throws TypeError */
export function rejectTime(options: unknown): void {
  if (options === undefined) return;
  if (typeof options === 'number' || (typeof options === 'object' && options !== null && 'time' in options))
    throw new TypeError('delete takes no time');
}

/** Returns an argument of `stats`, which goes into a text command as it is. @throws TypeError, RangeError */
export function checkStatsArgument(group: unknown): string {
  if (group === undefined) return '';
  if (typeof group !== 'string')
    throw new TypeError(`getStats: the group must be a string, not ${describeType(group)}`);
  if (group.length > maxStatsArgumentLength || !/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(group))
    throw new RangeError(
      `getStats: not a group of statistics: ${JSON.stringify(group.slice(0, maxStatsArgumentLength))}`,
    );
  return group;
}
