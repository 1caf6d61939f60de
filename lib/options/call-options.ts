/** Options that every operation takes, and their checks. */

import { describeType } from '../describe-type';

export interface CallOptions {
  /**
   * Milliseconds from the call until the operation rejects with a TimeoutError: more than 0, less than 2^31. Default: the
   * client's.
   */
  timeout?: number | undefined;
  /** Aborted: the operation rejects with the signal's reason. What was sent already takes its course. */
  signal?: AbortSignal | undefined;
}

/** What timers take at most. */
const maxTimeoutMs = 2 ** 31 - 1;

/** @throws TypeError unless it is an object */
export function assertOptions(given: unknown): asserts given is object {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`options must be an object, not ${describeType(given)}`);
}

/**
 * `{ expires: 60 }` must not store a value that never expires.
 *
 * @throws TypeError for a name that is in neither list
 */
export function rejectUnknownOptions(
  options: object,
  names: ReadonlySet<string>,
  ownNames: readonly string[] = [],
): void {
  for (const name in options) {
    if (names.has(name) || ownNames.includes(name)) continue;
    if (Object.hasOwn(options, name)) throw unknownOption(name, [...names, ...ownNames]);
  }
}

/** Returns the error for a name that options do not have. */
export function unknownOption(name: string, known: Iterable<string>): TypeError {
  return new TypeError(`unknown option ${JSON.stringify(name)}; there are ${[...known].join(', ')}`);
}

/**
 * The timeout that applies.
 *
 * @throws TypeError or RangeError for malformed options, the signal's reason if it is aborted already
 */
export function checkCallOptions(options: CallOptions, otherwise: number): number {
  assertOptions(options);
  const { signal, timeout } = options;
  if (signal !== undefined) {
    if (!(signal instanceof AbortSignal))
      throw new TypeError(`signal must be an AbortSignal, not ${describeType(signal)}`);
    signal.throwIfAborted();
  }
  return timeout === undefined ? otherwise : checkTimeout(timeout);
}

/** @throws TypeError unless it is a number, RangeError unless it is more than 0 and below 2^31 */
export function checkTimeout(timeout: number): number {
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, not ${describeType(timeout)}`);
  if (!(timeout > 0 && timeout <= maxTimeoutMs))
    throw new RangeError(`timeout must be more than 0 and less than 2^31 milliseconds: ${String(timeout)}`);
  return timeout;
}
