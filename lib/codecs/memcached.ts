/**
 * The codec of npm's memcached (3rd-Eden's): a flag for each type, everything as text, and a backslash before every
 * line break, because it finds the end of a value by them.
 */

import { DeserializationError } from '../errors';
import { bytesIn, copyOfBytes } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';
import { fromJson, fromNumberText, numberText, toJson } from './text';

const Flag = { String: 0, Json: 2, Binary: 4, Number: 8 } as const;

const escaped = (text: string): string => text.replace(/[\r\n]/g, '\\$&');
const unescaped = (text: string): string => text.replace(/\\([\r\n])/g, '$1');

/** @throws TypeError for bigints (memcached has none), and as the default codec's */
function serialize(value: unknown): Serialized {
  switch (typeof value) {
    case 'string':
      return [escaped(value), Flag.String];
    case 'number':
      return [numberText(value), Flag.Number];
    case 'boolean':
      return [String(value), Flag.Json];
    case 'object': {
      const bytes = bytesIn(value);
      if (bytes === undefined) return [escaped(toJson(value)), Flag.Json];
      // A character for each byte; those above 0x7f then take two bytes in UTF-8.
      return [escaped(copyOfBytes(bytes).toString('latin1')), Flag.Binary];
    }
    default:
      throw new TypeError(`cannot store ${describeType(value)}`);
  }
}

/** @throws DeserializationError for other flags, and bytes that are not what the flags say */
function deserialize(data: Buffer, flags: number): unknown {
  switch (flags) {
    case Flag.String:
      return unescaped(data.toString());
    case Flag.Json:
      return fromJson(unescaped(data.toString()), data, flags);
    case Flag.Binary:
      return Buffer.from(unescaped(data.toString()), 'latin1');
    case Flag.Number:
      return fromNumberText(data.toString('latin1'), data, flags);
    default:
      throw new DeserializationError(`unknown type of value: flags ${flags}`, data, flags);
  }
}

export const memcachedCodec: Codec = Object.freeze({ name: 'memcached', zlib: false, serialize, deserialize });
