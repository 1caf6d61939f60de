/** Strings that UTF-8 can encode. */

import { quoteKey } from './errors';

/**
 * In UTF-8 every lone surrogate becomes the same character: two keys would meet, and a value would be read back as
 * another one.
 *
 * @throws TypeError
 */
export function assertWellFormed(text: string, what: string): void {
  if (!text.isWellFormed())
    throw new TypeError(`${what} must not contain a lone surrogate, which UTF-8 cannot encode: ${quoteKey(text)}`);
}
