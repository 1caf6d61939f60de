/** Keys: what callers may give. */

import { describeType } from '../describe-type';
import { BadKeyProvided, quoteKey, returnCode } from '../errors';

/** A string is its UTF-8 bytes. */
export type Key = string | Uint8Array;

/** memcached's limit, in bytes, with prefix and namespace. */
export const maxKeyBytes = 250;

export function badKeyError(key: Key, operation: string, why: string): BadKeyProvided {
  return new BadKeyProvided(`${operation}: bad key ${quoteKey(key)}: ${why}`, {
    key,
    operation,
    retcode: returnCode('BAD_KEY_PROVIDED'),
  });
}

/** @throws TypeError unless it is a string or bytes */
export function assertKey(key: unknown, operation: string): asserts key is Key {
  if (typeof key === 'string' || key instanceof Uint8Array) return;
  throw new TypeError(`${operation}: a key must be a string or a Uint8Array, not ${describeType(key)}`);
}

/** What a key may be on the wire. */
export interface KeyLimits {
  /** Without the behavior `namespace`. */
  readonly maxKeyBytes: number;
  /** The text protocol cannot carry every byte. */
  readonly isText: boolean;
}

/** Returns what is wrong with a key as it goes on the wire; undefined if nothing is. */
export function whyBadKey(key: Key, limits: KeyLimits): string | undefined {
  const { length } = key;
  if (length === 0) return 'it is empty';
  if (typeof key === 'string' && length <= limits.maxKeyBytes && isVisibleAscii(key)) return undefined;
  // Before it is made bytes: it may be of any size.
  const bytes = length > limits.maxKeyBytes ? undefined : keyBytes(key);
  if (bytes === undefined || bytes.length > limits.maxKeyBytes)
    return `it has more than ${limits.maxKeyBytes} bytes, which is the limit with prefix and namespace`;
  if (limits.isText && !bytes.every(isTextByte)) return 'the text protocol allows no whitespace and no control bytes';
  return undefined;
}

/** A loop: it costs less than a regular expression, and half of what making bytes does. */
function isVisibleAscii(key: string): boolean {
  for (let index = 0; index < key.length; ++index) {
    const unit = key.charCodeAt(index);
    if (unit <= 0x20 || unit > 0x7e) return false;
  }
  return true;
}

export function keyBytes(key: Key): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key) : key;
}

/** The key with its prefix; a string if both are. */
export function withPrefix(prefix: Key | undefined, key: Key): Key {
  if (prefix === undefined || prefix.length === 0) return key;
  if (typeof prefix === 'string' && typeof key === 'string') return prefix + key;
  return Buffer.concat([keyBytes(prefix), keyBytes(key)]);
}

/** Bytes that the caller may change meanwhile are copied. */
export function ownCopy<T extends string | Uint8Array>(data: T): T {
  return data instanceof Uint8Array ? (Buffer.from(data) as Uint8Array as T) : data;
}

/** Whether the text protocol can carry the byte in a key. */
export function isTextByte(byte: number): boolean {
  return byte > 0x20 && byte !== 0x7f;
}
