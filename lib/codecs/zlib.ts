/** zlib's format, for codecs whose clients frame it in a way of their own: on the JavaScript thread. */

import { constants, deflateSync, inflateSync, unzipSync, type ZlibOptions } from 'node:zlib';

import { DeserializationError } from '../errors';

/** Inflated values above this are refused, as the native threads do (native/memcached/compression.h). */
const largestInflated = 2 ** 30;

/** Deflate's best is 1032 to 1: a claim above it is a lie that would cost memory. */
const bestRatio = 1032;

export function deflate(data: Uint8Array, level: number): Buffer {
  return deflateSync(data, { level: level === -1 ? constants.Z_DEFAULT_COMPRESSION : level });
}

/** @throws DeserializationError, with `stored` and `flags`, also if it is not exactly `length` bytes */
export function inflateExactly(data: Buffer, length: number, stored: Buffer, flags: number): Buffer {
  if (length > largestInflated || length > data.length * bestRatio)
    throw new DeserializationError(`the value claims ${length} bytes, which it cannot have`, stored, flags);
  const inflated = attempt(inflateSync, data, length, stored, flags);
  if (inflated.length === length) return inflated;
  throw new DeserializationError(`the value claims ${length} bytes and has ${inflated.length}`, stored, flags);
}

/** zlib's or gzip's format. @throws DeserializationError */
export function unzip(data: Buffer, flags: number): Buffer {
  return attempt(unzipSync, data, largestInflated, data, flags);
}

function attempt(
  run: (data: Buffer, options: ZlibOptions) => Buffer,
  data: Buffer,
  limit: number,
  stored: Buffer,
  flags: number,
): Buffer {
  try {
    return run(data, { maxOutputLength: Math.max(limit, 1) });
  } catch (error) {
    throw new DeserializationError(
      'the flags say that the value is compressed, but it cannot be inflated',
      stored,
      flags,
      { cause: error },
    );
  }
}
