/** Options of operations on keys, and their checks. */

import { readCallOptions, readOptions, type CallOptions } from '../options/call-options';
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
  readonly call: CallOptions | undefined;
}

const maxStatsArgumentLength = 200;
/** After these memcached sends a line and no END (seen in 1.6.18): whoever asks waits for ever. */
const endless = new Set(['sizes_enable', 'sizes_disable']);

const storeDefaults: CheckedStoreOptions = { expiry: 0, minCompressLen: 0, compressLevel: -1, call: undefined };
const counterDefaults: CheckedCounterOptions = { bigint: false, initial: undefined, expiry: 0, call: undefined };

const callNames = ['timeout', 'signal'] as const;
const storeNames = [...callNames, 'time', 'minCompressLen', 'compressLevel'] as const satisfies (keyof StoreOptions)[];
const counterNames = [...callNames, 'bigint', 'initial', 'time'] as const satisfies (keyof CounterOptions)[];

/** The members of options that every operation takes, checked. @throws TypeError, RangeError, the signal's reason */
export function callOf({ timeout, signal }: CallOptions): CallOptions | undefined {
  return timeout === undefined && signal === undefined ? undefined : readCallOptions({ timeout, signal });
}

/** @throws TypeError for a wrong type or an unknown name, RangeError */
export function checkStoreOptions(given: TimeArg | StoreOptions | undefined): CheckedStoreOptions {
  if (given === undefined) return storeDefaults;
  if (typeof given === 'number' || isDate(given)) return { ...storeDefaults, expiry: toExpiry(given) };
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))
    throw new TypeError(`time must be a number of seconds, a Date or an options object, not ${describeType(given)}`);
  return checkStore(readOptions<StoreOptions>(given, storeNames));
}

/** The same for members that were read already. @throws TypeError, RangeError */
export function checkStore(options: StoreOptions): CheckedStoreOptions {
  const { time, minCompressLen = 0, compressLevel = -1 } = options;
  checkInteger(minCompressLen, 'minCompressLen', 0, maxUint32);
  checkInteger(compressLevel, 'compressLevel', -1, 9);
  return { expiry: toExpiry(time), minCompressLen, compressLevel, call: callOf(options) };
}

/** Returns a CAS token. 0 is none: binary servers would store unconditionally. @throws TypeError, RangeError */
export function checkToken(cas: unknown): bigint {
  if (typeof cas !== 'bigint')
    throw new TypeError(`cas: the token must be the bigint that gets resolved to, not ${describeType(cas)}`);
  if (cas < 1n || cas > maxUint64)
    throw new RangeError(
      `cas: the token must be 1 … 2^64-1, not ${cas}${cas === 0n ? ': the server was started with -C, so it has no CAS' : ''}`,
    );
  return cas;
}

/** @throws TypeError, RangeError */
export function checkCounterOptions(given: CounterOptions | undefined): CheckedCounterOptions {
  if (given === undefined) return counterDefaults;
  const options = readOptions<CounterOptions>(given, counterNames);
  const { bigint = false, time } = options;
  if (typeof bigint !== 'boolean') throw new TypeError(`bigint must be a boolean, not ${describeType(bigint)}`);
  const initial = options.initial === undefined ? undefined : checkUint64(options.initial, 'initial');
  if (time !== undefined && initial === undefined)
    throw new TypeError('time requires initial: a counter that exists keeps its expiry');
  return { bigint, initial, expiry: toExpiry(time), call: callOf(options) };
}

/** pylibmc's delete takes no time either: memcached would refuse it. @throws TypeError */
export function rejectTime(options: unknown): void {
  if (options === undefined) return;
  if (typeof options === 'number' || (typeof options === 'object' && options !== null && 'time' in options))
    throw new TypeError('delete accepts no time: memcached deletes at once');
}

/** Returns an argument of `stats`, which goes into a text command as it is. @throws TypeError, RangeError */
export function checkStatsArgument(group: unknown): string {
  if (group === undefined) return '';
  if (typeof group !== 'string')
    throw new TypeError(`getStats: the group must be a string, not ${describeType(group)}`);
  if (endless.has(group))
    throw new RangeError(
      `getStats: memcached does not end its answer to "${group}"; start it with -o track_sizes, and ask for "sizes"`,
    );
  if (group.length > maxStatsArgumentLength || !/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(group))
    throw new RangeError(
      `getStats: invalid group ${JSON.stringify(group.slice(0, maxStatsArgumentLength))}: use printable ASCII words separated by single spaces`,
    );
  return group;
}
