/**
 * Writes Ruby's Marshal format 4.8, for strings, numbers, booleans, null, and what JSON can say. It never links to what
 * it wrote before: npm's @hyrious/marshal 0.3.4 does, and miscounts (`[1.5, 1.5, 'x', 'x']` ends with a 1.5).
 */

import { describeType } from '../describe-type';
import { assertWellFormed } from '../well-formed';
import { numberText, toJson } from './text';

/** @throws TypeError for undefined, functions, symbols, and what JSON cannot say */
export function dump(value: unknown): Buffer {
  // What is inside an object follows JSON's rules, as in the other codecs.
  const plain: unknown = typeof value === 'object' && value !== null ? JSON.parse(toJson(value)) : value;
  const parts: Buffer[] = [Buffer.from([4, 8])];
  write(plain, parts);
  return Buffer.concat(parts);
}

function write(value: unknown, parts: Buffer[]): void {
  switch (typeof value) {
    case 'string':
      writeString(value, parts);
      return;
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(BigInt(value), parts);
      else parts.push(letter('f'), counted(floatText(value)));
      return;
    case 'bigint':
      writeInteger(value, parts);
      return;
    case 'boolean':
      parts.push(letter(value ? 'T' : 'F'));
      return;
    case 'object':
      if (value === null) parts.push(letter('0'));
      else if (Array.isArray(value)) writeArray(value, parts);
      else writeHash(value as Record<string, unknown>, parts);
      return;
    default:
      throw new TypeError(`cannot store ${describeType(value)}`);
  }
}

function letter(type: string): Buffer {
  return Buffer.from(type, 'latin1');
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? numberText(value) : numberText(value).replace('Infinity', 'inf');
}

/** Marshal's small integer, of 31 bits. */
function long(value: number): Buffer {
  if (value === 0) return Buffer.from([0]);
  if (value > 0 && value < 123) return Buffer.from([value + 5]);
  if (value < 0 && value > -124) return Buffer.from([value - 5 + 256]);
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest & 0xff);
    rest >>= 8;
  } while (rest !== 0 && rest !== -1);
  return Buffer.from([value > 0 ? bytes.length : 256 - bytes.length, ...bytes]);
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([long(bytes.length), bytes]);
}

const inUtf8 = Buffer.concat([long(1), letter(':'), counted('E'), letter('T')]);

/** Of strings inside, too, which JSON could have said. */
function writeString(value: string, parts: Buffer[]): void {
  assertWellFormed(value, 'a string');
  parts.push(letter('I"'), counted(value), inUtf8);
}

function writeInteger(value: bigint, parts: Buffer[]): void {
  if (value >= -(2n ** 30n) && value < 2n ** 30n) {
    parts.push(letter('i'), long(Number(value)));
    return;
  }
  const magnitude = value < 0n ? -value : value;
  const digits = magnitude.toString(16);
  // In units of 16 bits, the lowest first.
  const bytes = Buffer.from(digits.padStart(Math.ceil(digits.length / 4) * 4, '0'), 'hex').reverse();
  parts.push(letter(value < 0n ? 'l-' : 'l+'), long(bytes.length / 2), bytes);
}

function writeArray(values: unknown[], parts: Buffer[]): void {
  parts.push(letter('['), long(values.length));
  for (const value of values) write(value, parts);
}

function writeHash(value: Record<string, unknown>, parts: Buffer[]): void {
  const entries = Object.entries(value);
  parts.push(letter('{'), long(entries.length));
  for (const [key, member] of entries) {
    writeString(key, parts);
    write(member, parts);
  }
}
