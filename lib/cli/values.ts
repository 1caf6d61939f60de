/** Values as they are typed and shown. */

import { inspect, isDeepStrictEqual } from 'node:util';

import { codecs, DeserializationError, type Codec } from '../index';
import { UsageError } from './exit-codes';
import { printableLines } from './printable';

/** A stored value with its flags; what the flags mean is looked at only when it is shown. */
export interface StoredValue {
  /** Decompressed. */
  readonly data: Buffer;
  readonly flags: number;
}

/** Writes as every client does; reads anything, also what only Python can read, as {@link StoredValue}. */
export const inspectingCodec: Codec = {
  name: 'inspecting',
  zlib: true,
  serialize: (value) => codecs.pylibmc.serialize(value),
  deserialize: (data, flags): StoredValue => ({ data, flags }),
};

export const valueTypes = ['string', 'number', 'bigint', 'boolean', 'json', 'bytes'] as const;
export type ValueType = (typeof valueTypes)[number];

/** What was typed, as a value. @throws UsageError */
export function parseValue(data: Buffer, type: ValueType): unknown {
  const text = data.toString();
  switch (type) {
    case 'bytes':
      return data;
    case 'string':
      return text;
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || Number.isNaN(number)) throw new UsageError(`${JSON.stringify(text)} is not a number`);
      return number;
    }
    case 'bigint':
      if (!/^\s*-?\d+\s*$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a whole number`);
      return BigInt(text);
    case 'boolean':
      if (!/^\s*(true|false)\s*$/.test(text))
        throw new UsageError(`a boolean is true or false, not ${JSON.stringify(text)}`);
      return text.trim() === 'true';
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new UsageError(`the value is not JSON: ${(error as Error).message}`);
      }
  }
}

/** The flag of codecs.structured. */
const structuredFlag = 1 << 12;

/**
 * `structured`: what node:v8 wrote is read, too. Not unasked: bytes that are made for it can end the process.
 *
 * @throws DeserializationError for a pickle, or flags that mean nothing
 */
export function valueOf({ data, flags }: StoredValue, structured: boolean): unknown {
  if (structured) return codecs.structured.deserialize(data, flags);
  if ((flags & structuredFlag) === 0) return codecs.pylibmc.deserialize(data, flags);
  const why = 'the value was written with codecs.structured; --structured reads it, if you trust all who write here';
  throw new DeserializationError(why, data, flags);
}

/** A value as text. `forTerminal`: nothing in it can command the terminal, and objects are laid out. */
export function textOf(value: unknown, forTerminal: boolean): Buffer {
  if (Buffer.isBuffer(value) && !forTerminal) return value;
  const text = plainText(value, forTerminal);
  return Buffer.from(forTerminal ? printableLines(text) : text);
}

function plainText(value: unknown, forTerminal: boolean): string {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return isText(value) ? value.toString() : value.toString('latin1');
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return isPlain(value as object)
    ? JSON.stringify(value, null, forTerminal ? 2 : 0)
    : inspect(value, { depth: Infinity });
}

function isText(data: Buffer): boolean {
  return Buffer.from(data.toString()).equals(data);
}

/** Whether JSON can say it, to its last member. */
function isPlain(value: object | null): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false; // a cycle, or a bigint
  }
}

/** A value for --json: what JSON cannot say is text (numbers, inspected objects) or base64 (bytes). */
export function jsonOf(value: unknown): { type: string; value: unknown } {
  if (Buffer.isBuffer(value)) return { type: 'bytes', value: value.toString('base64') };
  if (typeof value === 'bigint') return { type: 'bigint', value: String(value) };
  if (typeof value === 'number') return { type: 'number', value: Number.isFinite(value) ? value : String(value) };
  if (typeof value !== 'object') return { type: typeof value, value };
  return isPlain(value) ? { type: 'json', value } : { type: 'object', value: inspect(value, { depth: Infinity }) };
}
