/** Expiry times: what callers may give, and the number that is sent. */

import { types } from 'node:util';

import { wallClock } from '../timing';
import { describeType } from '../describe-type';

/** Seconds: 0 is never. A Date is absolute. Times beyond 2038-01-19 mean that day's last second that can be said. */
export type TimeArg = number | Date;

/** memcached's protocol: from here on a number is an absolute Unix time. */
const thirtyDays = 30 * 24 * 60 * 60;
/** 2038-01-19T03:14:07Z: text servers and libmemcached read the number as 32 bits with a sign. */
const latest = 2 ** 31 - 1;
/** Any server's clock shows more than this: 2001-09-09. Larger numbers are absolute times. */
const firstUnixTime = 1_000_000_000;

/**
 * The number to send. A duration above 30 days becomes the absolute time that it amounts to: sent as it is, memcached
 * would take it for a moment in 1970, and the item would be gone at once. What is beyond the last second that can be
 * said is that second: "as long as possible" is what a cookie until 9999 means.
 *
 * @throws TypeError if it is neither a number nor a Date
 * @throws RangeError if it is negative, NaN, a fraction below a second, or an invalid Date
 */
export function toExpiry(time: TimeArg | undefined): number {
  if (time === undefined || time === 0) return 0;
  if (isDate(time)) return ofDate(time);
  if (typeof time !== 'number')
    throw new TypeError(`time must be a number of seconds or a Date, not ${describeType(time)}`);
  if (Number.isNaN(time) || time < 0)
    throw new RangeError(`time must be 0 (never expires) or a positive number of seconds, not ${String(time)}`);
  if (time < 1) throw new RangeError(`time must be 0 (never expires) or at least 1 second, not ${String(time)}`);
  const seconds = Math.floor(time);
  const sent = seconds <= thirtyDays || seconds >= firstUnixTime ? seconds : Math.floor(wallClock() / 1000) + seconds;
  return Math.min(sent, latest);
}

/** Also one of another realm (`node:vm`, a test runner's): a Date that is taken for something else never expires. */
export function isDate(time: unknown): time is Date {
  return types.isDate(time);
}

/** The last moment that a Date can be. */
const lastDate = 8.64e15;

/** The time that is so many seconds later. The sum of two durations may look like a Unix time, which it is not. */
export function later(time: TimeArg, seconds: number): TimeArg {
  const isDuration = !isDate(time) && time < firstUnixTime;
  if (isDuration && time + seconds < firstUnixTime) return time + seconds;
  const start = isDate(time) ? millisecondsOf(time) : isDuration ? wallClock() + time * 1000 : time * 1000;
  return new Date(Math.min(start + seconds * 1000, lastDate));
}

/** Its own time, whatever a subclass makes of `getTime`. */
export function millisecondsOf(date: Date): number {
  return Date.prototype.getTime.call(date);
}

/** As `toExpiry`, for `flush_all`: to it a Date in the past is now, and not "gone", which it takes for no time at all. */
export function toFlushDelay(time: TimeArg | undefined): number {
  if (isDate(time) && millisecondsOf(time) <= wallClock()) return 0;
  return toExpiry(time);
}

function ofDate(time: Date): number {
  const milliseconds = millisecondsOf(time);
  if (Number.isNaN(milliseconds)) throw new RangeError('time is an invalid Date');
  // Before 30 days into 1970 the number would be taken for a duration; 0 would mean "never". Such a date, and any
  // other in the past, means gone already: sent as the first second that is absolute.
  return Math.min(Math.max(Math.ceil(milliseconds / 1000), thirtyDays + 1), latest);
}
