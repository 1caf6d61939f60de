/**
 * Reads Ruby's Marshal format 4.8: nil, booleans, numbers, strings, symbols, arrays and hashes. Objects of other classes
 * are refused.
 *
 * Not npm's @hyrious/marshal: it rounds integers above 2^53, and allocates what an array claims to hold, so that a
 * hundred bytes end the process. What is in a cache may come from anybody.
 */

import { isUtf8 } from 'node:buffer';

import { quoteKey } from '../errors';

/** Deeper ones would need more stack than a thread may have. */
const deepest = 500;

/** @throws Error that says what cannot be read, and where */
export function load(data: Buffer): unknown {
  const reader = new Reader(data);
  if (reader.byte() !== 4 || reader.byte() !== 8) throw new Error('it is not in the format 4.8');
  const value = reader.value(0);
  reader.end();
  return value;
}

/** What begins with a class's name. */
const classTypes = new Set(['o', 'S', 'u', 'U', 'C', 'e', 'd']);

class Reader {
  readonly #data: Buffer;
  #at = 0;
  /** As Ruby counts them: what links (`;` and `@`) refer to. */
  readonly #symbols: string[] = [];
  readonly #objects: unknown[] = [];

  constructor(data: Buffer) {
    this.#data = data;
  }

  value(depth: number): unknown {
    if (depth > deepest) throw new Error(`it is nested more than ${deepest} levels deep`);
    const type = String.fromCharCode(this.byte());
    switch (type) {
      case '0':
        return null;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'i':
        return this.#long();
      case 'l':
        return this.#remember(this.#bignum());
      case 'f':
        return this.#remember(this.#float());
      case '"':
        return this.#remember(Buffer.from(this.#counted()));
      case 'I':
        return this.#withEncoding(depth);
      case ':':
      case ';':
        return this.#symbol(type);
      case '[':
        return this.#array(depth);
      case '{':
      case '}':
        return this.#hash(depth, type === '}');
      case '@':
        return this.#linked(this.#objects);
      default:
        throw classTypes.has(type)
          ? new Error(`it has an object of class ${quoteKey(this.#className())}`)
          : this.#broken();
    }
  }

  end(): void {
    if (this.#at !== this.#data.length) throw this.#broken();
  }

  byte(): number {
    if (this.#at >= this.#data.length) throw this.#broken();
    return this.#data[this.#at++] as number;
  }

  #broken(): Error {
    return new Error(`it is broken, or more than plain values, at byte ${this.#at}`);
  }

  #remember<T>(value: T): T {
    this.#objects.push(value);
    return value;
  }

  #linked<T>(from: readonly T[]): T {
    const index = this.#long();
    if (index < 0 || index >= from.length) throw this.#broken();
    return from[index] as T;
  }

  /** Marshal's small integer: one byte, or how many follow, the lowest first. */
  #long(): number {
    const first = this.#data.readInt8(this.#within(1));
    if (first === 0) return 0;
    if (first > 4) return first - 5;
    if (first < -4) return first + 5;
    const length = Math.abs(first);
    const bytes = this.#data.readUIntLE(this.#within(length), length);
    return first > 0 ? bytes : bytes - 2 ** (8 * length);
  }

  /** Where the next bytes are; skips them. */
  #within(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#data.length) throw this.#broken();
    this.#at += length;
    return at;
  }

  #counted(): Buffer {
    const length = this.#long();
    const at = this.#within(length);
    return this.#data.subarray(at, at + length);
  }

  #bignum(): number | bigint {
    const sign = String.fromCharCode(this.byte());
    if (sign !== '+' && sign !== '-') throw this.#broken();
    const length = this.#long() * 2;
    const at = this.#within(length);
    const digits = Buffer.from(this.#data.subarray(at, at + length))
      .reverse()
      .toString('hex');
    const value = BigInt(`0x${digits || '0'}`) * (sign === '-' ? -1n : 1n);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #float(): number {
    const text = this.#counted().toString('latin1');
    if (!/^(nan|-?(inf|\d+(\.\d+)?(e[+-]?\d+)?))$/.test(text)) throw this.#broken();
    return Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'));
  }

  #symbol(type: string): string {
    if (type === ';') return this.#linked(this.#symbols);
    if (type !== ':') throw this.#broken();
    const name = this.#counted().toString();
    this.#symbols.push(name);
    return name;
  }

  #className(): string {
    // Where it is broken, too, the error says so.
    return this.#symbol(String.fromCharCode(this.byte()));
  }

  /** A string or a symbol with its encoding; nothing else that is plain has instance variables. */
  #withEncoding(depth: number): unknown {
    const slot = this.#objects.length;
    const value = this.value(depth + 1);
    const count = this.#long();
    let encoding: unknown;
    for (let index = 0; index < count; ++index) {
      const name = this.#symbol(String.fromCharCode(this.byte()));
      const setting = this.value(depth + 1);
      if (name === 'E') encoding = setting;
      else if (name === 'encoding') throw new Error(`it has a string in ${quoteKey(String(setting))}`);
      else throw new Error(`it has a string with the instance variable ${quoteKey(name)}`);
    }
    if (typeof value === 'string') return value;
    if (!Buffer.isBuffer(value)) throw this.#broken();
    // True is UTF-8, false is US-ASCII.
    const text = encoding === undefined || !isUtf8(value) ? value : value.toString();
    this.#objects[slot] = text;
    return text;
  }

  #array(depth: number): unknown[] {
    const values: unknown[] = this.#remember([]);
    // The count may be a lie: nothing is allocated for it, and the data ends.
    const count = this.#long();
    for (let index = 0; index < count; ++index) values.push(this.value(depth + 1));
    return values;
  }

  #hash(depth: number, hasDefault: boolean): Record<string, unknown> {
    const hash: Record<string, unknown> = this.#remember({});
    const count = this.#long();
    for (let index = 0; index < count; ++index) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && !Number.isSafeInteger(key))
        throw new Error('it has a hash with keys that are not strings, symbols or integers');
      if (Object.hasOwn(hash, key as string | number))
        throw new Error(`it has a hash with two keys ${quoteKey(String(key))}`);
      // As JSON.parse: `__proto__` is a key like others.
      const value = this.value(depth + 1);
      Object.defineProperty(hash, key as string | number, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    // What Ruby returns for other keys: JavaScript has no place for it.
    if (hasDefault) this.value(depth + 1);
    return hash;
  }
}
