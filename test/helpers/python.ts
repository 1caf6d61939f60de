// Python: pylibmc, to see that both clients understand each other's values and choose the same servers; and system calls
// that Node has not.

import { spawn } from 'node:child_process';
import { plainEnvironment } from './sanitizers';

/** Debian's own interpreter: python3-pylibmc is installed for that one, whatever else PATH has. */
const PYTHON = '/usr/bin/python3';

/**
 * Runs a Python program that prints one JSON document.
 * @param args its sys.argv[1:]
 * @param descriptors open files of ours that it inherits: as 3, 4, …
 */
export async function runPylibmc(
  script: string,
  args: readonly string[] = [],
  descriptors: readonly number[] = [],
): Promise<unknown> {
  const child = spawn(PYTHON, ['-', ...args], {
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
    timeout: 20_000,
    env: plainEnvironment,
  });
  const { stdin, stdout: output, stderr: complaints } = child;
  if (stdin === null || output === null || complaints === null) throw new Error('python3 has no pipes');
  let stdout = '';
  let stderr = '';
  output.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  complaints.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  stdin.on('error', () => undefined); // it ended early; its status says so
  stdin.end(script);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`python3 ended with ${String(status)}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}
