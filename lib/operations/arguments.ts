/** Arguments of single operations, and their checks. */

import type { Codec, Serialized } from '../codecs/codec';
import { serialize as standardSerialize } from '../codecs/pylibmc';
import { assertOptions, unknownOption, type CallOptions } from '../options/call-options';
import { toExpiry, isDate, type TimeArg } from '../options/expiry';
import { describeType } from '../options/keys';

export interface StoreOptions extends CallOptions {
  /** Seconds until it expires (0: never), or a Date. Default 0. */
  time?: TimeArg | undefined;
  /** Compress values of at least so many bytes, if that makes them smaller; 0 (the default): never. */
  minCompressLen?: number | undefined;
  /** zlib's level: 0 (none) … 9; -1 (the default) is zlib's own choice. */
  compressLevel?: number | undefined;
}

export interface CounterOptions extends CallOptions {
  /** Resolve to a bigint: exact up to 2^64-1. Default false. */
  bigint?: boolean | undefined;
  /** Create the counter with this value (0 … 2^64-1) if it is not there. */
  initial?: number | bigint | undefined;
  /** With `initial`: when the counter that is created expires. Default: never. */
  time?: TimeArg | undefined;
}

export interface CheckedStoreOptions {
  expiry: number;
  minCompressLen: number;
  compressLevel: number;
  call: CallOptions | undefined;
}

const maxUint32 = 2 ** 32 - 1;
const maxUint64 = 2n ** 64n - 1n;
const maxStatsArgumentLength = 200;

const noOptions: CheckedStoreOptions = { expiry: 0, minCompressLen: 0, compressLevel: -1, call: undefined };

const callNames = ['timeout', 'signal'];
const storeNames = new Set([...callNames, 'time', 'minCompressLen', 'compressLevel']);
const counterNames = new Set([...callNames, 'bigint', 'initial', 'time']);

/**
 * `own`: names that the method takes beside those of StoreOptions.
 *
 * @throws TypeError for a wrong type or an unknown name, RangeError
 */
export function checkStoreOptions(
  given: TimeArg | StoreOptions | undefined,
  own: readonly string[] = [],
): CheckedStoreOptions {
  if (given === undefined) return noOptions;
  if (typeof given === 'number' || isDate(given)) return { ...noOptions, expiry: toExpiry(given) };
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))
    throw new TypeError(`time must be a number of seconds, a Date or an options object, not ${describeType(given)}`);
  rejectUnknownOptions(given, storeNames, own);
  const { time, minCompressLen = 0, compressLevel = -1 } = given;
  inRange(minCompressLen, 'minCompressLen', 0, maxUint32);
  inRange(compressLevel, 'compressLevel', -1, 9);
  return { expiry: toExpiry(time), minCompressLen, compressLevel, call: given };
}

/** `{ expires: 60 }` must not store a value that never expires. */
function rejectUnknownOptions(options: object, names: ReadonlySet<string>, own: readonly string[] = []): void {
  for (const name in options) {
    if (!names.has(name) && !own.includes(name)) throw unknownOption(name, [...names, ...own]);
  }
}

function inRange(value: unknown, name: string, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${describeType(value)}`);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} must be a whole number, ${String(least)} … ${String(most)}: ${String(value)}`);
}

/** 64 bits, exact. @throws TypeError, RangeError */
export function checkDelta(value: unknown, name: string): bigint {
  if (typeof value === 'bigint') {
    if (value < 0n || value > maxUint64) throw new RangeError(`${name} must be 0 … 2^64-1: ${String(value)}`);
    return value;
  }
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number or a bigint, not ${describeType(value)}`);
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number, 0 or more: ${String(value)}`);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} is above 2^53-1 and not exact: pass a bigint`);
  return BigInt(value);
}

/** A CAS token. 0 is none: binary servers would store unconditionally. @throws TypeError, RangeError */
export function checkToken(cas: unknown): bigint {
  if (typeof cas !== 'bigint')
    throw new TypeError(`cas: the token must be the bigint that gets resolved to, not ${describeType(cas)}`);
  if (cas < 1n || cas > maxUint64) throw new RangeError(`cas: the token must be 1 … 2^64-1: ${String(cas)}`);
  return cas;
}

export function checkCounterOptions(options: CounterOptions | undefined): {
  bigint: boolean;
  initial: bigint | undefined;
  expiry: number;
} {
  if (options === undefined) return { bigint: false, initial: undefined, expiry: 0 };
  assertOptions(options);
  rejectUnknownOptions(options, counterNames);
  const initial = options.initial === undefined ? undefined : checkDelta(options.initial, 'initial');
  if (options.time !== undefined && initial === undefined)
    throw new TypeError('a counter takes a time only together with initial');
  return { bigint: options.bigint === true, initial, expiry: toExpiry(options.time) };
}

/** pylibmc's delete takes no time either: memcached would refuse it. @throws TypeError */
export function rejectTime(options: unknown): void {
  if (options === undefined) return;
  if (typeof options === 'number' || (typeof options === 'object' && options !== null && 'time' in options))
    throw new TypeError('delete takes no time');
}

/** Goes into a text command as it is. @throws TypeError, RangeError */
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

/** memcached cannot be configured for larger items than this. */
const maxValueBytes = 2 ** 30;
interface Parts {
  data: string | Uint8Array;
  flags: number;
}
const parts: Parts = { data: '', flags: 0 };

/**
 * A value's bytes and flags. The object is reused by the next call.
 *
 * @throws TypeError for what cannot be serialized, or a codec that returns nonsense; whatever the codec throws
 */
export function serializedParts(value: unknown, serialize: ((value: unknown) => Serialized) | undefined): Parts {
  if (serialize === undefined) {
    const [data, flags] = standardSerialize(value);
    parts.data = data;
    parts.flags = flags;
  } else {
    setParts(parts, serialize(value), 'serialize');
  }
  if (parts.data.length === 0 && typeof parts.data !== 'string') rejectDetached(parts.data);
  if (parts.data.length > maxValueBytes)
    throw new RangeError(
      `the value has ${String(parts.data.length)} bytes; no memcached takes more than ${String(maxValueBytes)}`,
    );
  return parts;
}

const nothing = new Uint8Array(0);

/** Bytes whose memory was transferred look empty, and would be stored so. @throws TypeError */
function rejectDetached(data: Uint8Array): void {
  try {
    nothing.set(data);
  } catch (error) {
    throw new TypeError('cannot store bytes whose ArrayBuffer is detached', { cause: error });
  }
}

/** @throws TypeError for what is not bytes and flags */
function setParts(target: Parts, result: unknown, method: string): void {
  if (!Array.isArray(result) || result.length !== 2)
    throw new TypeError(`${method} must return [data, flags], not ${describeType(result)}`);
  const [data, flags] = result as [unknown, unknown];
  if (typeof data !== 'string' && !(data instanceof Uint8Array))
    throw new TypeError(`${method} must return bytes or a string as data, not ${describeType(data)}`);
  if (typeof flags !== 'number' || !Number.isInteger(flags) || flags < 0 || flags > maxUint32)
    throw new TypeError(`${method} must return a whole number of 32 bits as flags, not ${String(flags)}`);
  target.data = data;
  target.flags = flags;
}

/**
 * Has a codec that compresses itself do so, if the options ask for it: changes the parts. Returns what is left to do for
 * the native side: their `minCompressLen`.
 *
 * @throws TypeError for a codec that cannot compress, or returns nonsense
 */
export function compressParts(
  given: Parts,
  { minCompressLen, compressLevel }: CheckedStoreOptions,
  codec: Codec,
): number {
  if (minCompressLen === 0 || codec.zlib !== false) return minCompressLen;
  if (codec.compress === undefined)
    throw new TypeError(`minCompressLen: codec ${codec.name ?? 'without a name'} does not compress`);
  const bytes = typeof given.data === 'string' ? Buffer.from(given.data) : given.data;
  if (bytes.length < minCompressLen || compressLevel === 0) return 0;
  const result: unknown = codec.compress(bytes, given.flags, compressLevel);
  if (result !== undefined) setParts(given, result, 'compress');
  return 0;
}
