/** The codec of npm's memjs with its own (no) serializer: bytes, without flags. */

import { types } from 'node:util';

import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';

/** @throws TypeError for anything but strings and bytes, as memjs does */
function serialize(value: unknown): Serialized {
  if (typeof value === 'string' || value instanceof Uint8Array) return [value, 0];
  if (types.isArrayBuffer(value)) return [new Uint8Array(value), 0];
  throw new TypeError(`memjs stores strings and bytes, not ${describeType(value)}`);
}

/** Always bytes: memjs does not tell what was a string, and does not look at flags. */
function deserialize(data: Buffer): Buffer {
  return data;
}

export const memjsCodec: Codec = Object.freeze({ name: 'memjs', zlib: false, serialize, deserialize });
