/** From here on a number of seconds is a Unix time to the client, and in the past: what lasts longer lasts for so long. */
export const maxDuration = 999_999_999;

/** Seconds for `set`: one more, because memcached counts in whole seconds, and the first of them may be half over. */
export function secondsFor(milliseconds: number): number {
  return Math.min(Math.ceil(milliseconds / 1000) + 1, maxDuration);
}
