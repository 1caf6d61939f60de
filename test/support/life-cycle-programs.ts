// Programs of their own, run by a plain node against the built package: how they ended, and when.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { sanitizerEnvironment, slowness } from './sanitizers';
import { startMemcached, stopAll, type MemcachedServer } from './memcached-servers';
import './wall-clock';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Its lines. */
  output: string[];
  stderr: string;
  milliseconds: number;
}

export interface RunOptions {
  /** Options of node itself. */
  node?: readonly string[];
  /** It is killed after so many milliseconds, and `signal` says so. */
  limit?: number;
  /** Called with each line of output as it comes. */
  onLine?: (line: string, pid: number) => void;
  env?: Readonly<Record<string, string>>;
}

/** A server for the tests of this block. */
export function useServer(): () => MemcachedServer {
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(stopAll);
  return () => server;
}

/** Runs `scripts/<name>.mjs` to its end. */
export async function run(name: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const start = Date.now();
  const script = join(__dirname, '../lifecycle/scripts', `${name}.mjs`);
  const child = spawn(process.execPath, [...(options.node ?? []), script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // What jest sets for its workers is not for them.
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...sanitizerEnvironment, ...options.env },
  });
  const output: string[] = [];
  let stderr = '';
  let unfinished = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) {
      output.push(line);
      options.onLine?.(line, child.pid ?? -1);
    }
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), (options.limit ?? 20_000) * slowness);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve([code, signal]);
    });
  });
  clearTimeout(killer);
  return { code, signal, output, stderr, milliseconds: Date.now() - start };
}

/** That it ended by itself, with `code`, and said nothing but what it should. */
export function expectEnd(ended: Ended, code: number, output?: readonly string[]): void {
  const { signal, stderr } = ended;
  expect({ code: ended.code, signal, stderr }).toEqual({ code, signal: null, stderr: '' });
  if (output !== undefined) expect(ended.output).toEqual(output);
}
