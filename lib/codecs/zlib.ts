/** zlib's format, for codecs whose clients frame it in a way of their own: on the JavaScript thread. */

import { constants, deflateSync, inflateSync, unzipSync, type ZlibOptions } from 'node:zlib';

import { DeserializationError } from '../errors';

/** Bytes that one compressed value may become, unless the client's `maxInflated` says otherwise. */
export const defaultMaxInflated = 64 * 2 ** 20;

/** Deflate's best is 1032 to 1: a claim above it is a lie that would cost memory. */
const bestRatio = 1032;

export function deflate(data: Uint8Array, level: number): Buffer {
  return deflateSync(data, { level: level === -1 ? constants.Z_DEFAULT_COMPRESSION : level });
}

/** @throws DeserializationError, with `stored` and `flags`, also if it is not exactly `length` bytes */
export function decompressExactly(
  data: Buffer,
  length: number,
  maxInflated: number,
  stored: Buffer,
  flags: number,
): Buffer {
  if (length > maxInflated)
    throw new DeserializationError(
      `the value claims ${length} bytes, which is more than ${maxInflated} (maxInflated)`,
      stored,
      flags,
    );
  if (length > data.length * bestRatio)
    throw new DeserializationError(`the value claims ${length} bytes, which it cannot have`, stored, flags);
  const inflated = attempt(inflateSync, data, length, stored, flags);
  if (inflated.length === length) return inflated;
  throw new DeserializationError(`the value claims ${length} bytes and has ${inflated.length}`, stored, flags);
}

/** zlib's or gzip's format. @throws DeserializationError */
export function unzip(data: Buffer, maxInflated: number, flags: number): Buffer {
  return attempt(unzipSync, data, maxInflated, data, flags);
}

function attempt(
  run: (data: Buffer, options: ZlibOptions) => Buffer,
  data: Buffer,
  limitBytes: number,
  stored: Buffer,
  flags: number,
): Buffer {
  try {
    return run(data, { maxOutputLength: Math.max(limitBytes, 1) });
  } catch (error) {
    const why = 'the flags say that the value is compressed, but it cannot be inflated';
    const limit = `it is not in zlib format, or has more than ${limitBytes} bytes`;
    throw new DeserializationError(`${why}: ${limit}`, stored, flags, { cause: error });
  }
}
