/** The raw codec: bytes and flags as they are, nothing interpreted. */

import { isBytes } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';

/** Bytes with memcached's flags. */
export interface RawValue {
  data: Buffer;
  flags: number;
}

function isRawValue(value: unknown): value is { data: Uint8Array | string; flags: number } {
  return typeof value === 'object' && value !== null && 'data' in value && 'flags' in value;
}

/** @throws TypeError for anything but bytes, a string (both get flags 0) or `{ data, flags }` */
function serialize(value: unknown): Serialized {
  if (typeof value === 'string' || isBytes(value)) return [value, 0];
  if (isRawValue(value)) return [value.data, value.flags];
  throw new TypeError(`the raw codec stores bytes, strings and { data, flags }, not ${describeType(value)}`);
}

function deserialize(data: Buffer, flags: number): RawValue {
  return { data, flags };
}

export const rawCodec: Codec = Object.freeze({ name: 'raw', zlib: false, serialize, deserialize });
