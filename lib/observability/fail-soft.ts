/** `failSoft`: an outage of the cache never breaks a request; the error is published on a diagnostics channel instead. */

import diagnostics from 'node:diagnostics_channel';

import {
  AuthenticationError,
  BadKeyProvided,
  CacheMiss,
  ClientClosed,
  DataDoesNotExist,
  DataExists,
  DeserializationError,
  MemcachedError,
  NotFound,
  NotSupportedError,
  TooBig,
  UnknownStatKey,
} from '../errors';

/**
 * Published for every failure that `failSoft` turned into a miss or a false, that `getOrSet` did without, or that kept
 * `autoDiscovery` from looking for another list of servers.
 */
const failureChannelName = 'libmemcached:failure';

/** What is published on the diagnostics channel `libmemcached:failure`. */
export interface FailureMessage {
  readonly error: unknown;
}

const channel = diagnostics.channel(failureChannelName);

/** What the caller, and not the cache, has to change. */
const mistakes = [
  AuthenticationError,
  BadKeyProvided,
  CacheMiss,
  ClientClosed,
  DataDoesNotExist,
  DataExists,
  DeserializationError,
  NotFound,
  NotSupportedError,
  TooBig,
  UnknownStatKey,
];

/** Whether the cache failed, rather than the caller. */
export function isOutage(error: unknown): boolean {
  return error instanceof MemcachedError && !mistakes.some((mistake) => error instanceof mistake);
}

/** In place of a fallback: the operation rejects, with `failSoft`, too. */
export const noFallback = Symbol('no fallback');

/** What `failSoft` makes of an operation's failure. */
export interface Forgiving<R> {
  /** Returns what it resolves to instead of an outage; `noFallback` if it rejects. */
  wholeFallback(): R | typeof noFallback;
  /** Puts a fallback in the place of each part that failed, if the error is forgiven. */
  forgiveParts(result: R, isForgiven: (error: unknown) => boolean): R;
}

/** `failSoft`: an outage becomes the operation's fallback, and is published. */
export function withFallback<R>(promise: Promise<R>, operation: Forgiving<R>): Promise<R> {
  return promise.then(
    (result) => operation.forgiveParts(result, forgive),
    (error: unknown) => {
      const fallback = operation.wholeFallback();
      if (fallback === noFallback || !forgive(error)) throw error;
      return fallback;
    },
  );
}

/** Whether the error is an outage, which is published then. */
function forgive(error: unknown): boolean {
  if (!isOutage(error)) return false;
  publishFailure(error);
  return true;
}

export function publishFailure(error: unknown): void {
  if (channel.hasSubscribers) channel.publish({ error } satisfies FailureMessage);
}
