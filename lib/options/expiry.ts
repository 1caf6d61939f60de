/** Expiry times: what callers may give, and the number that is sent. */

import { types } from 'node:util';

import { describeType } from '../describe-type';

/** Seconds: 0 is never. A Date is absolute. */
export type TimeArg = number | Date;

/** memcached's protocol: from here on a number is an absolute Unix time. */
const thirtyDays = 30 * 24 * 60 * 60;
const latest = 2 ** 31 - 1;
/** Any server's clock shows more than this: 2001-09-09. Larger numbers are absolute times. */
const firstUnixTime = 1_000_000_000;

/**
 * The number to send. A duration above 30 days becomes the absolute time that it amounts to: sent as it is, memcached
 * would take it for a moment in 1970, and the item would be gone at once.
 *
 * @throws TypeError if it is neither a number nor a Date
 * @throws RangeError if it is negative, NaN, a fraction below a second, an invalid Date, or beyond 2038-01-19
 */
export function toExpiry(time: TimeArg | undefined): number {
  if (time === undefined || time === 0) return 0;
  if (isDate(time)) return ofDate(time);
  if (typeof time !== 'number')
    throw new TypeError(`time must be a number of seconds or a Date, not ${describeType(time)}`);
  if (Number.isNaN(time) || time < 0) throw new RangeError(`time must not be negative: ${String(time)}`);
  if (time < 1) throw new RangeError(`time is in whole seconds: ${String(time)} is less than one`);
  const seconds = Math.floor(time);
  const sent = seconds <= thirtyDays || seconds >= firstUnixTime ? seconds : Math.floor(Date.now() / 1000) + seconds;
  return inRange(sent, time);
}

/** Also one of another realm (`node:vm`, a test runner's): a Date that is taken for something else never expires. */
export function isDate(time: unknown): time is Date {
  return time instanceof Date || types.isDate(time);
}

/** As `toExpiry`, for `flush_all`: to it a Date in the past is now, and not "gone", which it takes for no time at all. */
export function toFlushDelay(time: TimeArg | undefined): number {
  if (isDate(time) && time.getTime() <= Date.now()) return 0;
  return toExpiry(time);
}

function ofDate(time: Date): number {
  const milliseconds = time.getTime();
  if (Number.isNaN(milliseconds)) throw new RangeError('time is an invalid Date');
  // Before 30 days into 1970 the number would be taken for a duration; 0 would mean "never". Such a date, and any
  // other in the past, means gone already: sent as the first second that is absolute.
  return inRange(Math.max(Math.ceil(milliseconds / 1000), thirtyDays + 1), time);
}

function inRange(seconds: number, given: TimeArg): number {
  if (seconds > latest) {
    const shown = isDate(given) ? given.toISOString() : String(given);
    throw new RangeError(`time is too far in the future (2038-01-19 is the last day): ${shown}`);
  }
  return seconds;
}
