// Python: pylibmc, to see that both clients understand each other's values and choose the same servers; and system calls
// that Node has not.

import { runProgram } from './interpreters';

/**
 * Runs a Python program that prints one JSON document.
 * @param args its sys.argv[1:]
 * @param descriptors open files of ours that it inherits: as 3, 4, …
 */
export function runPylibmc(
  script: string,
  args: readonly string[] = [],
  descriptors: readonly number[] = [],
): Promise<unknown> {
  return runProgram('python', script, args, descriptors);
}
