/**
 * Reads what PHP's `serialize` wrote: null, booleans, numbers, strings, arrays and stdClass. Objects of other classes
 * and references (two names for one value) are refused.
 *
 * Not npm's php-serialize or phpunserialize: lengths below zero lead the first one back to where it was, forever; it
 * replaces bytes that are not UTF-8 and turns -0 into a bigint; the second one rounds integers of 64 bits. What is in
 * a cache may come from anybody.
 */

import { quoteKey } from '../errors';
import { textOrBytes } from './text';

/** Deeper ones would need more stack than a thread may have. */
const deepest = 500;

/** @throws Error that says what cannot be read, and where */
export function unserialize(data: Buffer): unknown {
  const reader = new Reader(data);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  value(depth: number): unknown {
    if (depth > deepest) throw new Error(`it is nested more than ${deepest} levels deep`);
    const type = this.#character();
    switch (type) {
      case 'N':
        this.#expect(';');
        return null;
      case 'b':
        return this.#scalar(/^[01]$/) === '1';
      case 'i':
        return this.#integer();
      case 'd':
        return this.#double();
      case 's':
        return this.#stringValue();
      case 'a':
        return this.#array(depth);
      case 'O':
        return this.#object(depth);
      case 'C':
      case 'E':
        this.#expect(':');
        throw new Error(`it has ${type === 'C' ? 'an object' : 'an enum'} of class ${quoteKey(this.#string())}`);
      case 'r':
      case 'R':
        throw new Error('it has references');
      default:
        throw this.#broken();
    }
  }

  end(): void {
    if (this.#at !== this.#data.length) throw this.#broken();
  }

  #broken(): Error {
    return new Error(`it is broken at byte ${this.#at}`);
  }

  #character(): string {
    if (this.#at >= this.#data.length) throw this.#broken();
    return String.fromCharCode(this.#data[this.#at++] as number);
  }

  #expect(character: string): void {
    if (this.#data[this.#at] !== character.charCodeAt(0)) throw this.#broken();
    ++this.#at;
  }

  /** What is between here and `end`, which is skipped. */
  #until(end: string, pattern: RegExp): string {
    const at = this.#data.indexOf(end, this.#at, 'latin1');
    // The longest are floats, with `serialize_precision` digits.
    const text = at < 0 || at - this.#at > 500 ? '' : this.#data.toString('latin1', this.#at, at);
    if (!pattern.test(text)) throw this.#broken();
    this.#at = at + 1;
    return text;
  }

  #scalar(pattern: RegExp): string {
    this.#expect(':');
    return this.#until(';', pattern);
  }

  #integer(): number | bigint {
    const text = this.#scalar(/^-?\d+$/);
    const number = Number(text);
    return Number.isSafeInteger(number) ? number || 0 : BigInt(text);
  }

  #double(): number {
    const text = this.#scalar(/^(-?(INF|\d+(\.\d*)?(E[+-]?\d+)?)|NAN)$/);
    return Number(text.replace('INF', 'Infinity').replace('NAN', 'NaN'));
  }

  /** `3:"abc"` */
  #string(): Buffer {
    const length = this.#length();
    this.#expect('"');
    const end = this.#at + length;
    if (end > this.#data.length) throw this.#broken();
    const bytes = this.#data.subarray(this.#at, end);
    this.#at = end;
    this.#expect('"');
    return bytes;
  }

  #length(): number {
    return Number(this.#until(':', /^\d{1,10}$/));
  }

  #stringValue(): string | Buffer {
    this.#expect(':');
    const bytes = this.#string();
    this.#expect(';');
    return textOrBytes(bytes);
  }

  /** A list if its keys are those of one, else an object. */
  #array(depth: number): unknown {
    this.#expect(':');
    const entries = this.#entries(depth);
    return entries.every(([key], index) => key === index) ? entries.map(([, value]) => value) : toObject(entries);
  }

  #object(depth: number): unknown {
    this.#expect(':');
    const name = this.#string().toString();
    if (name !== 'stdClass') throw new Error(`it has an object of class ${quoteKey(name)}`);
    this.#expect(':');
    return toObject(this.#entries(depth));
  }

  /** `1:{key value}` */
  #entries(depth: number): [key: string | number | bigint, value: unknown][] {
    const count = this.#length();
    this.#expect('{');
    const entries: [string | number | bigint, unknown][] = [];
    // The count may be a lie: nothing is allocated for it, and the data ends.
    for (let index = 0; index < count; ++index) {
      const key = this.#key();
      entries.push([key, this.value(depth + 1)]);
    }
    this.#expect('}');
    return entries;
  }

  #key(): string | number | bigint {
    switch (this.#character()) {
      case 'i':
        return this.#integer();
      case 's': {
        const key = this.#stringValue();
        if (typeof key === 'string') return key;
        throw new Error('it has a key that is not UTF-8');
      }
      default:
        throw this.#broken();
    }
  }
}

function toObject(entries: [key: string | number | bigint, value: unknown][]): unknown {
  // As JSON.parse: `__proto__` is a key like others.
  return Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
}
