// Programs in other languages, which run the other clients.

import { spawn, spawnSync } from 'node:child_process';
import { plainEnvironment } from './sanitizers';

/** Debian's own: its packages are installed for that one, whatever else PATH has. */
const interpreters = {
  python: { command: '/usr/bin/python3', args: ['-'] },
  php: { command: '/usr/bin/php', args: ['-d', 'display_errors=stderr', '--'] },
  ruby: { command: '/usr/bin/ruby', args: ['-'] },
};
export type Language = keyof typeof interpreters;

/**
 * Runs a program that prints one JSON document.
 * @param args its arguments
 * @param descriptors open files of ours that it inherits: as 3, 4, …
 */
export async function runProgram(
  language: Language,
  script: string,
  args: readonly string[] = [],
  descriptors: readonly number[] = [],
): Promise<unknown> {
  const { command, args: fixed } = interpreters[language];
  const child = spawn(command, [...fixed, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
    timeout: 20_000,
    env: plainEnvironment,
  });
  const { stdin, stdout: output, stderr: complaints } = child;
  if (stdin === null || output === null || complaints === null) throw new Error(`${command} has no pipes`);
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
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${stderr.trim()} ${stdout.trim()}`);
  return JSON.parse(stdout);
}

/** `describe`, or its skip, where Debian's package is not there; says so. */
export function describeWith(debianPackage: string, language: Language, probe: string): jest.Describe {
  const { command, args } = interpreters[language];
  const { status } = spawnSync(command, args, {
    input: probe,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: plainEnvironment,
  });
  if (status === 0) return describe;
  process.stderr.write(`SKIPPED: the tests with ${debianPackage}, which is not installed\n`);
  return describe.skip;
}
