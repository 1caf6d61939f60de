/** The codec of npm's memjs with its own (no) serializer: bytes, without flags. */

import { bytesIn } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';

/** @throws TypeError for anything but strings and bytes, as memjs does */
function serialize(value: unknown): Serialized {
  const data = typeof value === 'string' ? value : bytesIn(value);
  if (data === undefined) throw new TypeError(`memjs stores strings and bytes, not ${describeType(value)}`);
  return [data, 0];
}

/** Always bytes: memjs does not tell what was a string, and does not look at flags. */
function deserialize(data: Buffer): Buffer {
  return data;
}

export const memjsCodec: Codec = Object.freeze({ name: 'memjs', zlib: false, serialize, deserialize });
