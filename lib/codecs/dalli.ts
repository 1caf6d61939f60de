/**
 * The codec of Ruby's dalli: flag 1 for what Marshal serialized, flag 2 for what is compressed. Without flag 1 it is one
 * of dalli's raw values, a string of bytes.
 */

import { DeserializationError } from '../errors';
import { bytesIn } from '../bytes';
import type { Codec, Serialized } from './codec';
import { dump } from './ruby-dump';
import { load } from './ruby-load';
import { defaultMaxInflated, deflate, unzip } from './zlib';

const Flag = { Serialized: 1, Compressed: 2 } as const;
const knownFlags = Flag.Serialized | Flag.Compressed;

/** @throws TypeError as the default codec's */
function serialize(value: unknown): Serialized {
  const bytes = bytesIn(value);
  return bytes === undefined ? [dump(value), Flag.Serialized] : [bytes, 0];
}

function compress(data: Uint8Array, flags: number, level: number): Serialized | undefined {
  const compressed = deflate(data, level);
  return compressed.length < data.length ? [compressed, flags | Flag.Compressed] : undefined;
}

/** @throws DeserializationError for what only Ruby can read, unknown flags, and bytes that are not what the flags say */
function deserialize(stored: Buffer, flags: number, maxInflated = defaultMaxInflated): unknown {
  if ((flags & ~knownFlags) !== 0)
    throw new DeserializationError(`unknown type of value: flags ${flags}`, stored, flags);
  // dalli has a compressor for each of both formats.
  const data = (flags & Flag.Compressed) === 0 ? stored : unzip(stored, maxInflated, flags);
  if ((flags & Flag.Serialized) === 0) return data;
  try {
    return load(data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeserializationError(`the value was serialized by Ruby: ${reason}`, stored, flags, { cause: error });
  }
}

export const dalliCodec: Codec = Object.freeze({ name: 'dalli', zlib: false, serialize, deserialize, compress });
