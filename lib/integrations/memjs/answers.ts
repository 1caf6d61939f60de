/** What memjs says of a server's answers, and how it says it: by promise or callback. */

import {
  AllocationError,
  AuthenticationError,
  BadKeyProvided,
  ClientError,
  DataExists,
  NotFound,
  NotSupportedError,
  ProtocolError,
  TooBig,
  UnknownStatKey,
} from '../../index';

/** By memjs' names of the protocol's statuses. */
const statuses = [
  [NotFound, 'Key not found'],
  [UnknownStatKey, 'Key not found'],
  [DataExists, 'Key exists'],
  [TooBig, 'Value too large'],
  [BadKeyProvided, 'Invalid arguments'],
  [ClientError, 'Incr/Decr on non-numeric value'],
  [AuthenticationError, 'Authentication error'],
  [NotSupportedError, 'Not supported'],
  [ProtocolError, 'Unknown command'],
  [AllocationError, 'Out of memory'],
] as const;

/** Returns memjs' error for what a server answered; undefined if it did not answer. */
export function answerError(operation: string, error: unknown): Error | undefined {
  const status = statuses.find(([kind]) => error instanceof kind)?.[1];
  return status === undefined ? undefined : new Error(`MemJS ${operation}: ${status}`, { cause: error });
}

export type Callback = (error: unknown, ...results: unknown[]) => void;

/**
 * Runs an operation, and hands over its results: to the callback if there is one (null: nobody wants them), else as a
 * promise. Arguments that are wrong throw at once where there is a callback, as with memjs.
 *
 * @throws TypeError for a callback that is none
 */
export function settle<R>(
  callback: unknown,
  run: () => Promise<unknown[]>,
  toResult: (...results: unknown[]) => R,
): Promise<R> | undefined {
  if (callback === undefined) return callAsync(run).then((results) => toResult(...results));
  const done = checkCallback(callback);
  // Outside of any promise: what the callback throws is the program's.
  run().then(
    (results) => {
      process.nextTick(done, null, ...results);
    },
    (error: unknown) => {
      process.nextTick(done, error, null, null);
    },
  );
  return undefined;
}

async function callAsync<R>(run: () => Promise<R>): Promise<R> {
  return run();
}

const nothing = (): void => undefined;

/** Returns the callback; null and undefined are one that does nothing. @throws TypeError */
export function checkCallback(callback: unknown): Callback {
  if (callback === null || callback === undefined) return nothing;
  if (typeof callback === 'function') return callback as Callback;
  throw new TypeError(`the callback must be a function, not ${typeof callback}`);
}
