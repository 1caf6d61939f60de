/** What a codec is. */

import { types } from 'node:util';

/** Serialized: the bytes (a string stands for its UTF-8 bytes) and memcached's 32 bits of flags. */
export type Serialized = readonly [data: Uint8Array | string, flags: number];

/**
 * Turns values into bytes and flags, and back. Synchronous, and called on the JavaScript thread.
 *
 * `serialize` throws for what it cannot store. `deserialize` throws `CacheMiss` to have the value treated as a miss,
 * and anything else to reject with a DeserializationError.
 */
export interface Codec {
  readonly name?: string;
  /**
   * Whether flag 8 means zlib to this codec, as it does to pylibmc: then values are compressed (`minCompressLen`) and
   * decompressed natively, off the JavaScript thread, and `deserialize` sees the plain bytes. Default true.
   */
  readonly zlib?: boolean;
  serialize(value: unknown): Serialized;
  /**
   * The bytes are the codec's: they are not used by anybody else afterwards. `maxInflated`: the client's, for a codec that
   * decompresses itself.
   */
  deserialize(data: Buffer, flags: number, maxInflated?: number): unknown;
  /**
   * For a codec with `zlib: false` and a compressed format of its own: compresses what `serialize` returned, where
   * `minCompressLen` asks for it; undefined to store it as it is. `level`: zlib's, 1 … 9, or -1 for its own choice.
   * Without this method `minCompressLen` is a TypeError.
   */
  compress?(data: Uint8Array, flags: number, level: number): Serialized | undefined;
}

/** What a codec's method must not return: it is synchronous. @throws TypeError */
export function rejectPromise(result: unknown, method: string): void {
  if (!types.isPromise(result)) return;
  result.catch(() => undefined); // nobody else looks at it
  throw new TypeError(`${method} must return its result, and not a Promise: codecs are synchronous`);
}
