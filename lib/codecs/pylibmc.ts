/**
 * The default codec: pylibmc's flags, so that Python and Node services share a cache. The bits above them, which
 * pylibmc ignores when it reads, keep JavaScript's types apart.
 */

import { DeserializationError } from '../errors';
import { bytesIn } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';
import { bigIntFromText, fromIntegerText, fromJson, fromNumberText, integerText, numberText, toJson } from './text';

/** pylibmc's flags (`PylibMC_Flags` in its source), and ours above them. */
export const Flag = {
  None: 0,
  Pickle: 1,
  Integer: 2,
  Long: 4,
  Zlib: 8,
  Text: 16,
  Json: 1 << 8,
  Number: 1 << 9,
  BigInt: 1 << 10,
  Boolean: 1 << 11,
  /** node:v8's serialization; see structured.ts. */
  Structured: 1 << 12,
} as const;

const pylibmcTypes = Flag.Pickle | Flag.Integer | Flag.Long | Flag.Text;
const ourTypes = Flag.Json | Flag.Number | Flag.BigInt | Flag.Boolean | Flag.Structured;

/**
 * @throws TypeError for undefined, functions, symbols, Map, Set, and what JSON cannot say (cycles, a bigint inside an
 *   object); RangeError for a bigint of more digits than are read
 */
export function serialize(value: unknown): Serialized {
  switch (typeof value) {
    case 'string':
      return [value, Flag.Text];
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return [String(value), Flag.Long];
      return [numberText(value), Flag.Text | Flag.Number];
    case 'bigint':
      return [integerText(value), Flag.Long | Flag.BigInt];
    case 'boolean':
      return [value ? '1' : '0', Flag.Integer | Flag.Boolean];
    case 'object':
      return serializeObject(value);
    default:
      throw new TypeError(`cannot store ${describeType(value)}`);
  }
}

function serializeObject(value: object | null): Serialized {
  const bytes = bytesIn(value);
  return bytes === undefined ? [toJson(value), Flag.Text | Flag.Json] : [bytes, Flag.None];
}

/** @throws DeserializationError for a pickled value, unknown types, and bytes that are not what the flags say */
export function deserialize(data: Buffer, flags: number): unknown {
  switch (flags & pylibmcTypes) {
    case Flag.None:
      if ((flags & ourTypes) !== 0) break;
      return data;
    case Flag.Text:
      return deserializeText(data, flags);
    case Flag.Long:
      return readInteger(data, flags);
    case Flag.Integer:
      return (flags & Flag.Boolean) !== 0
        ? readBoolean(data, flags)
        : fromIntegerText(data.toString('latin1'), data, flags);
    case Flag.Pickle:
      throw new DeserializationError('the value is a Python pickle, which only Python can read', data, flags);
    default:
      break;
  }
  throw new DeserializationError(`unknown type of value: flags ${String(flags)}`, data, flags);
}

function deserializeText(data: Buffer, flags: number): unknown {
  if ((flags & ourTypes) === 0) return data.toString();
  if ((flags & ourTypes) === Flag.Json) return fromJson(data.toString(), data, flags);
  if ((flags & ourTypes) === Flag.Number) return fromNumberText(data.toString('latin1'), data, flags);
  throw new DeserializationError(`unknown type of value: flags ${String(flags)}`, data, flags);
}

/** What Python wrote as an int, of any size, or we as a bigint. */
function readInteger(data: Buffer, flags: number): number | bigint {
  const text = data.toString('latin1');
  return (flags & Flag.BigInt) !== 0 ? bigIntFromText(text, data, flags) : fromIntegerText(text, data, flags);
}

function readBoolean(data: Buffer, flags: number): boolean {
  const text = data.toString('latin1').trim();
  if (text === '1') return true;
  if (text === '0') return false;
  throw new DeserializationError('the value is not the boolean that its flags say', data, flags);
}

export const pylibmcCodec: Codec = Object.freeze({ name: 'pylibmc', zlib: true, serialize, deserialize });
