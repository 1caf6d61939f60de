// pylibmc, to see that both clients understand each other's values and choose the same servers.

import { spawn } from 'node:child_process';
import { plainEnvironment } from './sanitizers';

/** Debian's own interpreter: python3-pylibmc is installed for that one, whatever else PATH has. */
const PYTHON = '/usr/bin/python3';

/**
 * Runs a Python program that prints one JSON document.
 * @param args its sys.argv[1:]
 */
export async function runPylibmc(script: string, args: readonly string[] = []): Promise<unknown> {
  const child = spawn(PYTHON, ['-', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 20_000,
    env: plainEnvironment,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // it ended early; its status says so
  child.stdin.end(script);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`python3 ended with ${String(status)}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}
