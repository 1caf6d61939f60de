/** What the codecs have in common: JSON, and numbers and strings as text. */

import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';

import { DeserializationError } from '../errors';
import { describeType } from '../describe-type';

/**
 * @throws TypeError for Map, Set, RegExp and their kind, which JSON would empty, wherever in the value they are; for an
 *   Error or bytes that are no Buffer; and for what JSON cannot say
 */
export function toJson(value: object | null): string {
  rejectJsonLossy(value);
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new TypeError(`cannot store ${describeType(value)}: it has no JSON`);
  // What JSON empties is `{}` then, which few values have in them: most need not be searched. (JSON.stringify with a
  // replacer is several times slower.)
  if (json.includes('{}')) rejectJsonLossyInside(value);
  return json;
}

/** No cycles: there is JSON of it. */
function rejectJsonLossyInside(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  rejectJsonLossy(value);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return;
  for (const member of Object.values(value)) rejectJsonLossyInside(member);
}

/** Whose content JSON does not see, or takes for the members of a plain object. Of every realm. */
const jsonLossyTypes = [
  ...[types.isMap, types.isSet, types.isWeakMap, types.isWeakSet],
  ...[types.isNativeError, types.isRegExp, types.isPromise],
  ...[types.isArrayBufferView, types.isAnyArrayBuffer],
  ...[types.isMapIterator, types.isSetIterator, types.isGeneratorObject],
];

function rejectJsonLossy(value: object | null): void {
  if (value === null || Array.isArray(value)) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return; // nearly everything that is stored
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return; // it says itself what it is in JSON
  if (!jsonLossyTypes.some((isLost) => isLost(value))) return;
  const remedy = types.isPromise(value) ? 'await it' : 'use codecs.structured or convert it';
  throw new TypeError(`cannot store ${describeType(value)} as JSON: it would not be read back as it is; ${remedy}`);
}

/** @throws DeserializationError, with what is stored: `data` may be what was made of it */
export function fromJson(text: string, data: Buffer, flags: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DeserializationError('the value is not the JSON that its flags say', data, flags, { cause: error });
  }
}

/** As `String` writes it: -0 too. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What `String` or another language's printing wrote; NaN and ±Infinity as JavaScript spells them. */
export function fromNumberText(text: string, data: Buffer, flags: number): number {
  const number = Number(text);
  if (text.trim() !== '' && (!Number.isNaN(number) || text === 'NaN')) return number;
  throw new DeserializationError('the value is not the number that its flags say', data, flags);
}

/** An integer of any size: a number if that is exact, else a bigint. */
export function fromIntegerText(text: string, data: Buffer, flags: number): number | bigint {
  const value = bigIntFromText(text, data, flags);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Digits of an integer that are read, and so written: Python's limit (sys.set_int_max_str_digits), for Python's reason. The
 * time that digits take grows with the square of their number: 20 KB of them stand for seconds.
 */
const maxDigits = 4300;
const tooLarge = 10n ** BigInt(maxDigits);

export function bigIntFromText(text: string, data: Buffer, flags: number): bigint {
  // incr and decr leave trailing blanks behind where a number became shorter.
  const digits = text.trim();
  if (digits.length - (digits.startsWith('-') ? 1 : 0) > maxDigits)
    throw new DeserializationError(`the value is an integer of more than ${maxDigits} digits`, data, flags);
  if (/^-?\d+$/.test(digits)) return BigInt(digits);
  throw new DeserializationError('the value is not the integer that its flags say', data, flags);
}

/** @throws RangeError for more digits than are read */
export function integerText(value: bigint): string {
  if (value >= tooLarge || value <= -tooLarge)
    throw new RangeError(`cannot store a bigint of more than ${maxDigits} digits`);
  return String(value);
}

/** Bytes of a language whose strings may be either: a string if they are UTF-8, else the bytes. */
export function textOrBytes(data: Buffer): string | Buffer {
  return isUtf8(data) ? data.toString() : data;
}
