/** `failSoft`: an outage of the cache never breaks a request; it is told on a diagnostics channel instead. */

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

/** Published for every failure that `failSoft` turned into a miss or a false, or that `getOrSet` did without. */
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

export function publishFailure(error: unknown): void {
  if (channel.hasSubscribers) channel.publish({ error } satisfies FailureMessage);
}
