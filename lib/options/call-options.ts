/** Options that every operation takes, and their checks. */

import { describeType } from '../describe-type';

export interface CallOptions {
  /**
   * Milliseconds from the call until the operation rejects with a TimeoutError: more than 0, less than 2^31. Default: the
   * client's.
   */
  timeout?: number | undefined;
  /** When it is aborted, the operation rejects with the signal's reason. A request already sent is not recalled. */
  signal?: AbortSignal | undefined;
}

/** What timers take at most. */
const maxTimeoutMs = 2 ** 31 - 1;

/** For a function where options belong: it would never be called. */
const callbackHint = "; methods return promises and take no callbacks: those are in 'libmemcached/memcached'";

/** @throws TypeError unless it is an object */
function assertOptions(given: unknown): asserts given is object {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw new TypeError(
    `options must be an object, not ${describeType(given)}${typeof given === 'function' ? callbackHint : ''}`,
  );
}

/** Returns the error for a name that options do not have. */
function unknownOption(name: string, known: Iterable<string>): TypeError {
  return new TypeError(`unknown option ${JSON.stringify(name)}; valid options: ${[...known].join(', ')}`);
}

/**
 * The options with these names, each read once: what a getter answers the second time, or a caller changes later, counts no
 * more. Only own names are refused, as anything may add members to Object.prototype.
 *
 * @throws TypeError for what is not an object, or has another name
 */
export function readOptions<O extends object>(given: unknown, names: readonly (keyof O & string)[]): O {
  assertOptions(given);
  for (const name of Object.keys(given))
    if (!names.includes(name as keyof O & string)) throw unknownOption(name, names);
  const options: Partial<Record<keyof O, unknown>> = {};
  for (const name of names) {
    const value = (given as O)[name] as unknown;
    if (value !== undefined) options[name] = value;
  }
  return options as O;
}

const callNames = ['timeout', 'signal'] as const satisfies (keyof CallOptions)[];

/**
 * The options that every operation takes, checked; each is read once.
 *
 * @throws TypeError or RangeError for malformed options, the signal's reason if it is aborted already
 */
export function readCallOptions(given: CallOptions | undefined): CallOptions | undefined {
  if (given === undefined) return undefined;
  const options = readOptions<CallOptions>(given, callNames);
  const { signal, timeout } = options;
  if (signal !== undefined) checkSignal(signal);
  if (timeout !== undefined) checkTimeout(timeout);
  return options;
}

/** By what it can do: it may be of another realm. */
function checkSignal(signal: AbortSignal): void {
  const isSignal =
    typeof signal === 'object' &&
    (signal as AbortSignal | null) !== null &&
    typeof signal.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function';
  if (!isSignal) throw new TypeError(`signal must be an AbortSignal, not ${describeType(signal)}`);
  if (signal.aborted) throw signal.reason;
}

/**
 * A function where options belong is a callback, which nobody would ever call: the promise that says so has no reader. So it
 * is thrown.
 *
 * @throws TypeError
 */
export function rejectCallback(given: unknown): void {
  if (typeof given === 'function') assertOptions(given);
}

/** @throws TypeError unless it is a number, RangeError unless it is more than 0 and below 2^31 */
export function checkTimeout(timeout: number): number {
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, not ${describeType(timeout)}`);
  if (!(timeout > 0 && timeout <= maxTimeoutMs))
    throw new RangeError(`timeout must be more than 0 and less than 2^31 milliseconds: ${String(timeout)}`);
  return timeout;
}
