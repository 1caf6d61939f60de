// pylibmc, to see that both clients understand each other's values and choose the same servers.

import { runProgram } from './interpreters';

/**
 * Runs a Python program that prints one JSON document.
 * @param args its sys.argv[1:]
 */
export function runPylibmc(script: string, args: readonly string[] = []): Promise<unknown> {
  return runProgram('python', script, args);
}
