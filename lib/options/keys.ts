/** Keys: what callers may give. */

import { describeType } from '../describe-type';
import { BadKeyProvided, quoteKey, returnCode } from '../errors';
import { assertWellFormed } from '../well-formed';
import { copyOfBytes, isBytes, lengthOfBytes } from '../bytes';

/** A string is its UTF-8 bytes. */
export type Key = string | Uint8Array;

/** memcached's limit, in bytes, with prefix and namespace. */
export const maxKeyBytes = 250;

/**
 * Keys of the client's own (leases, generations of namespaces) begin so, and no others may, whoever chose them: two meanings
 * of one key would give a caller another key's value.
 */
export const internalPrefix = '@@';

/** Whether a key as it goes on the wire is one of the client's own. */
export function isInternal(key: Key): boolean {
  return typeof key === 'string'
    ? key.startsWith(internalPrefix)
    : key[0] === internalPrefix.charCodeAt(0) && key[1] === internalPrefix.charCodeAt(1);
}

export const whyInternal = `keys that begin with ${internalPrefix} are reserved for the client`;

export function badKeyError(key: Key, operation: string, why: string): BadKeyProvided {
  return new BadKeyProvided(`${operation}: bad key ${quoteKey(key)}: ${why}`, {
    key,
    operation,
    retcode: returnCode('BAD_KEY_PROVIDED'),
  });
}

/** @throws TypeError unless it is a well-formed string, or bytes */
export function assertKey(key: unknown, operation: string): asserts key is Key {
  if (typeof key === 'string') assertWellFormed(key, `${operation}: a key`);
  else if (!isBytes(key))
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
    return `it has more than ${limits.maxKeyBytes} bytes; prefix and namespace count, too`;
  if (limits.isText && !bytes.every(isTextByte))
    return 'the text protocol does not allow whitespace or control bytes: change the key, or set binary: true';
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

/** Characters of a string, or bytes. */
export function lengthOf(data: string | Uint8Array): number {
  return typeof data === 'string' ? data.length : lengthOfBytes(data);
}

/** The key with its prefix; a string if both are. @throws TypeError for a prefix whose memory was transferred */
export function withPrefix(prefix: Key | undefined, key: Key): Key {
  if (prefix === undefined || prefix === '') return key;
  if (typeof prefix === 'string' && typeof key === 'string') return prefix + key;
  return Buffer.concat([keyBytes(ownCopy(prefix)), keyBytes(ownCopy(key))]);
}

/** Bytes that the caller may change before they are sent are copied. @throws TypeError if they cannot be read */
export function ownCopy<T extends string | Uint8Array>(data: T): T {
  return typeof data === 'string' ? data : (copyOfBytes(data) as Uint8Array as T);
}

/** Whether the text protocol can carry the byte in a key. */
export function isTextByte(byte: number): boolean {
  return byte > 0x20 && byte !== 0x7f;
}
