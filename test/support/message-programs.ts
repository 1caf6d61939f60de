// Programs of the ecosystem tests: scripts/<name>.mjs, run by a plain node against the built package.

import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

type Message = Record<string, unknown>;

const running = new Set<Program>();

/** A child process that talks in messages. */
export class Program {
  readonly #child: ChildProcess;
  readonly #messages: Message[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #stderr = '';

  constructor(name: string, args: readonly string[]) {
    this.#child = fork(join(__dirname, '../ecosystem/scripts', `${name}.mjs`), args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // What jest sets for its workers is not for them.
      env: { PATH: process.env.PATH, NODE_ENV: 'production' },
      execArgv: [],
    });
    running.add(this);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#child.on('message', (message) => {
      this.#messages.push(message as Message);
      this.#wake?.();
    });
    this.#child.once('close', () => {
      this.#ended = true;
      running.delete(this);
      this.#wake?.();
    });
  }

  send(message: Message): void {
    this.#child.send(message);
  }

  /** Its next message. Rejects if it ends instead. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#ended) throw new Error(`the program ended: ${this.#stderr}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Ends what still runs. */
export function killAll(): void {
  for (const program of running) program.kill();
}
