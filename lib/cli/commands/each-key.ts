/** Commands that do one thing to each key and learn whether it was there. */

import { ExitCode, worstExitCode } from '../exit-codes';
import { printable } from '../printable';
import type { Session } from '../session';

/** `word`: what was done, as members of --json and people have it. */
export async function eachKey(
  { output }: Session,
  keys: readonly string[],
  word: string,
  operate: (key: string) => Promise<boolean>,
): Promise<ExitCode> {
  let status: ExitCode = ExitCode.Ok;
  for (const key of keys) {
    const done = await operate(key);
    if (!done) status = worstExitCode(status, ExitCode.No);
    if (output.json) output.record({ key, [word]: done });
    else if (!done) output.note(`${printable(key)}: not found`);
    else if (output.isTerminal) output.line(keys.length > 1 ? `${printable(key)}: ${word}` : word);
  }
  return status;
}
