/** What the caller of an operation on many keys gets. */

import { BadKeyProvided, ClientClosed, NotFound, PartialFailure } from '../errors';
import type { Key } from '../options/keys';
import { miss, type Miss } from './decoders';
import type { MultiResult } from './multi-operation';

/**
 * Returns the results by their keys as they were given, without the misses.
 *
 * @throws one error for all keys that failed, marked as a PartialFailure
 */
export function toMap<K extends Key, T>(result: MultiResult<T | Miss>, keys: readonly K[]): Map<K, T> {
  const { results, errors, hasErrors } = result;
  const values = new Map<K, T>();
  for (let index = 0; index < keys.length; ++index) {
    const value = results[index];
    if (value !== miss && !(hasErrors && errors[index] !== undefined)) values.set(keys[index] as K, value as T);
  }
  if (!hasErrors) return values;
  const failedKeys = keys.filter((_key, index) => errors[index] !== undefined);
  throw PartialFailure.mark(summarize(errors), values, failedKeys);
}

/** Returns the keys that were not stored. @throws what the caller has to change: a bad key is not listed, but said */
export function toKeysNotStored<K extends Key>({ results, errors }: MultiResult<boolean>, keys: readonly K[]): K[] {
  throwFirst(errors, (error) => error instanceof BadKeyProvided || error instanceof ClientClosed);
  return keys.filter((_key, index) => results[index] !== true);
}

/** @throws the first error */
export function areAllTrue({ results, errors }: MultiResult<boolean>): boolean {
  throwFirst(errors, () => true);
  return results.every((result) => result === true);
}

/** Returns the first error, with the others counted; a NotFound only if there is nothing worse. */
function summarize(errors: readonly unknown[]): Error {
  const failures = errors.filter((error): error is Error => error instanceof Error);
  const worst = failures.find((error) => !(error instanceof NotFound)) ?? failures[0] ?? new Error('no error');
  const others = failures.length - 1;
  if (others > 0) worst.message += ` (and ${others} more ${others === 1 ? 'key' : 'keys'} failed)`;
  return worst;
}

function throwFirst(errors: readonly unknown[], isWanted: (error: unknown) => boolean): void {
  const first = errors.find((error) => error !== undefined && isWanted(error));
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- it is what was thrown
  if (first !== undefined) throw first;
}
