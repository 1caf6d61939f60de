/** Checks of numbers: one message for one mistake. */

import { describeType } from '../describe-type';

export const maxUint32 = 2 ** 32 - 1;
export const maxUint64 = 2n ** 64n - 1n;

/**
 * Returns a whole number.
 *
 * @throws TypeError unless it is a number, RangeError unless it is a whole one from min to max
 */
export function checkInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a whole number, not ${describeType(value)}`);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} must be a whole number, ${describeRange(min, max)}: ${value}`);
  return value;
}

/** Returns one of 64 bits, exactly: a number if it is safe as one. @throws TypeError, RangeError */
export function checkUint64(value: unknown, name: string): number | bigint {
  if (typeof value === 'bigint') {
    if (value < 0n || value > maxUint64) throw new RangeError(`${name} must be 0 … 2^64-1: ${value}`);
    return value;
  }
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number or a bigint, not ${describeType(value)}`);
  if (!Number.isSafeInteger(checkInteger(value, name, 0, Infinity)))
    throw new RangeError(`${name} is above 2^53-1 and not exact: pass a bigint`);
  return value;
}

function describeRange(min: number, max: number): string {
  return max === Infinity ? `at least ${min}` : `${min} … ${max}`;
}
