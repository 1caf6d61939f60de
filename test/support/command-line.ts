// The command, run as users run it: its own process, with pipes or on a terminal of its own.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import './wall-clock';

const main = join(__dirname, '../../dist/cli/main.js');
const longest = 20_000;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  /** Called with all output so far. */
  onOutput?: (stdout: string, child: ChildProcessWithoutNullStreams) => void;
}

/** Nothing of the environment of jest: no colours that are asked for, no servers, no history. */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, TERM: 'xterm-256color', LIBMEMCACHED_HISTORY: '', ...env };
}

/** Runs it with pipes, to its end. `servers` are given with --servers if there are any. */
export async function cli(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { env: environment(options.env), timeout: longest });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    stdout += text;
    options.onOutput?.(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // it ended early; its status says so
  child.stdin.end(options.input ?? '');
  return { code: await closed(child), stdout: Buffer.from(stdout, 'latin1').toString(), stderr };
}

function closed(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** The objects of --json. */
export function records(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The tab-separated lines of other output. */
export function rows(output: string): string[][] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** The command on a pseudo-terminal (script(1)) of 120 columns and 40 rows. Both its outputs go there. */
export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;
  /** Everything that was written, with all control sequences. */
  raw = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const words = [process.execPath, main, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const command = `stty cols 120 rows 40; exec ${words.join(' ')}`;
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: environment({ SHELL: '/bin/sh', ...env }),
      timeout: longest,
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      for (const look of this.#waiting) look();
    });
    this.ended = closed(this.#child);
  }

  /** What was written, as text. */
  get text(): string {
    return stripVTControlCharacters(this.raw).replaceAll('\r\n', '\n');
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Waits until what was written since `from` (an offset in `text`) matches. */
  async shows(pattern: RegExp, from = 0): Promise<void> {
    const found = (): boolean => pattern.test(this.text.slice(from));
    await new Promise<void>((resolve, reject) => {
      const end = (outcome: () => void): void => {
        this.#waiting.delete(look);
        outcome();
      };
      const look = (): void => {
        if (found()) end(resolve);
      };
      this.#waiting.add(look);
      void this.ended.then(() => {
        if (found()) end(resolve);
        else
          end(() => {
            reject(new Error(`it ended without ${String(pattern)}: ${this.text}`));
          });
      });
      look();
    });
  }

  async status(): Promise<number | null> {
    const code = await this.ended;
    this.#child.stdin.destroy();
    return code;
  }
}
