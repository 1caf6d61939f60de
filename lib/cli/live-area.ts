/** Lines at the end of a terminal's output that are drawn over and over. */

import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';

export class LiveArea {
  readonly #terminal: NodeJS.WriteStream;
  #drawn = 0;
  #hidden = false;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  /** Replaces what was drawn before. Lines that do not fit in the height are left out. */
  draw(lines: readonly string[]): void {
    const room = Math.max(1, (this.#terminal.rows || 24) - 1);
    const fitting = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`];
    // One write for all, or the terminal may show it half drawn.
    this.#terminal.cork();
    if (!this.#hidden) this.#terminal.write(hideCursor);
    this.#hidden = true;
    this.#rewind();
    for (const line of fitting) this.#terminal.write(`${line}\n`);
    this.#terminal.uncork();
    this.#drawn = fitting.length;
  }

  /** Leaves what was drawn last on the screen. */
  end(): void {
    if (this.#hidden) this.#terminal.write(showCursor);
    this.#hidden = false;
    this.#drawn = 0;
  }

  clear(): void {
    this.#rewind();
    this.end();
  }

  #rewind(): void {
    if (this.#drawn === 0) return;
    moveCursor(this.#terminal, 0, -this.#drawn);
    cursorTo(this.#terminal, 0);
    clearScreenDown(this.#terminal);
    this.#drawn = 0;
  }
}
