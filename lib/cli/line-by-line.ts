/**
 * Gives a prompt its input line by line, each once the one before is done. Node's takes all lines that are there, and so
 * evaluates the second while the first awaits.
 */

import { createInterface } from 'node:readline';
import type { REPLServer } from 'node:repl';
import { PassThrough } from 'node:stream';

export class SequentialLineReader {
  /** What the prompt reads. */
  readonly lines = new PassThrough();
  readonly #source: AsyncIterator<string>;

  constructor(source: NodeJS.ReadableStream) {
    this.#source = createInterface({ input: source, crlfDelay: Infinity })[Symbol.asyncIterator]();
  }

  feed(server: REPLServer): void {
    // It is called when a line is done, whatever came of it. Nothing is displayed: not the dots of an open bracket either.
    server.displayPrompt = () => {
      server.resume();
      void this.#next();
    };
    void this.#next();
  }

  async #next(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) this.lines.end();
    else this.lines.write(`${next.value}\n`);
  }
}
