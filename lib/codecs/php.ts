/**
 * The codec of PHP's memcached extension (php-memcached 3, php_memcached.c): the value's type in the low four bits of
 * the flags, how it is compressed in the next ones, and the application's own flags above 16, which nobody reads here.
 */

import { DeserializationError } from '../errors';
import { bytesIn } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';
import { unserialize } from './php-serialized';
import { fromIntegerText, fromJson, fromNumberText, numberText, textOrBytes, toJson } from './text';
import { defaultMaxInflated, deflate, decompressExactly } from './zlib';

const Type = {
  String: 0,
  Long: 1,
  Double: 2,
  Bool: 3,
  Serialized: 4,
  Igbinary: 5,
  Json: 6,
  Msgpack: 7,
} as const;
const typeMask = 15;

const Compression = { Any: 1 << 4, Zlib: 1 << 5, FastLz: 1 << 6, Zstd: 1 << 7 } as const;
/** Before compressed bytes: how many there were, in the machine's byte order; little endian on all that we run on. */
const lengthBytes = 4;

const minLong = -(2n ** 63n);
const maxLong = 2n ** 63n - 1n;

/**
 * @throws TypeError as the default codec's, RangeError for a bigint that is no PHP int
 */
function serialize(value: unknown): Serialized {
  switch (typeof value) {
    case 'string':
      return [value, Type.String];
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return [String(value), Type.Long];
      return [numberText(value), Type.Double];
    case 'bigint':
      if (value < minLong || value > maxLong)
        throw new RangeError(`cannot store ${String(value)}: PHP's integers have 64 bits`);
      return [String(value), Type.Long];
    case 'boolean':
      return [value ? '1' : '', Type.Bool];
    case 'object': {
      const bytes = bytesIn(value);
      // JSON is read by PHP whatever its serializer is.
      return bytes === undefined ? [toJson(value), Type.Json] : [bytes, Type.String];
    }
    default:
      throw new TypeError(`cannot store ${describeType(value)}`);
  }
}

/** As PHP: only what may be long, and never a counter. */
function compress(data: Uint8Array, flags: number, level: number): Serialized | undefined {
  if (flags !== Type.String && flags !== Type.Json) return undefined;
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(data.length);
  const compressed = Buffer.concat([length, deflate(data, level)]);
  return compressed.length < data.length ? [compressed, flags | Compression.Any | Compression.Zlib] : undefined;
}

/** @throws DeserializationError for what only PHP can read, unknown types, and bytes that are not what the flags say */
function deserialize(stored: Buffer, flags: number, maxInflated = defaultMaxInflated): unknown {
  const data = (flags & Compression.Any) === 0 ? stored : decompress(stored, flags, maxInflated);
  switch (flags & typeMask) {
    case Type.String:
      return textOrBytes(data);
    case Type.Long:
      return fromIntegerText(data.toString('latin1'), stored, flags);
    case Type.Double:
      return fromNumberText(data.toString('latin1'), stored, flags);
    case Type.Bool:
      return readBool(data.toString('latin1').trim(), stored, flags);
    case Type.Serialized:
      return readSerialized(data, stored, flags);
    case Type.Json:
      return fromJson(data.toString(), stored, flags);
    case Type.Igbinary:
      throw new DeserializationError(unreadable('igbinary'), stored, flags);
    case Type.Msgpack:
      throw new DeserializationError(unreadable('msgpack'), stored, flags);
    default:
      throw new DeserializationError(`unknown type of value: flags ${flags}`, stored, flags);
  }
}

function unreadable(serializer: string): string {
  return `the value was serialized by PHP's ${serializer}; have PHP use Memcached::SERIALIZER_JSON or SERIALIZER_PHP`;
}

function decompress(stored: Buffer, flags: number, maxInflated: number): Buffer {
  // PHP looks at them in this order.
  if ((flags & Compression.FastLz) !== 0)
    throw new DeserializationError(
      'the value is compressed by FastLZ, which is not read here; have PHP use Memcached::COMPRESSION_ZLIB',
      stored,
      flags,
    );
  if ((flags & Compression.Zlib) === 0)
    throw new DeserializationError(`unknown type of compression: flags ${flags}`, stored, flags);
  if (stored.length < lengthBytes)
    throw new DeserializationError('the value is compressed, but has no length', stored, flags);
  return decompressExactly(stored.subarray(lengthBytes), stored.readUInt32LE(), maxInflated, stored, flags);
}

function readBool(text: string, stored: Buffer, flags: number): boolean {
  if (text === '1') return true;
  if (text === '' || text === '0') return false;
  throw new DeserializationError('the value is not the boolean that its flags say', stored, flags);
}

function readSerialized(data: Buffer, stored: Buffer, flags: number): unknown {
  try {
    return unserialize(data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeserializationError(`the value was serialized by PHP: ${reason}`, stored, flags, { cause: error });
  }
}

export const phpCodec: Codec = Object.freeze({ name: 'php', zlib: false, serialize, deserialize, compress });
