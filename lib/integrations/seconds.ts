/** The longest duration: the client takes larger numbers for Unix times. Longer ones are cut to it. */
export const maxDuration = 999_999_999;

/** Seconds for `set`: one more, because memcached counts in whole seconds, and the first of them may be half over. */
export function secondsFor(milliseconds: number): number {
  return Math.min(Math.ceil(milliseconds / 1000) + 1, maxDuration);
}
