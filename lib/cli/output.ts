/** Where results go: text for people, plain text for programs, or a JSON object a line. */

import { inspect } from 'node:util';

import { errorRecord, messageOf } from './errors';
import { printableJson } from './printable';
import { alignedLines, tabbedLines, type Cell, type Column } from './table';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export class Output {
  readonly json: boolean;
  /** Whether people look at it: then tables are aligned and have headers, and numbers have units. */
  readonly isTerminal: boolean;

  constructor(json: boolean) {
    this.json = json;
    this.isTerminal = process.stdout.isTTY && !json;
  }

  /** Columns of the terminal; 80 where there is none. */
  get width(): number {
    return process.stdout.columns || 80;
  }

  /** Of text from outside, the caller escapes what a terminal would obey. */
  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  bytes(data: Uint8Array): void {
    process.stdout.write(data);
  }

  /** One JSON object, on a line. */
  record(record: Readonly<Record<string, unknown>>): void {
    this.line(printableJson(JSON.stringify(record)));
  }

  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
    const lines = this.isTerminal
      ? alignedLines(columns, rows, (header) => this.paint('bold', header))
      : tabbedLines(rows);
    for (const line of lines) this.line(line);
  }

  /** Coloured, where that is wanted: on a terminal that can, without NO_COLOR (Node's own judgement). */
  paint(style: Style, text: string): string {
    return this.isTerminal ? painted(process.stdout, style, text) : text;
  }

  /** To stderr: what is worth telling, but is no result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  error(error: unknown): void {
    if (this.json) this.note(printableJson(JSON.stringify({ error: errorRecord(error) })));
    else this.note(`${painted(process.stderr, 'red', 'error:')} ${messageOf(error)}`);
  }
}

function painted(stream: NodeJS.WriteStream, style: Style, text: string): string {
  // The methods are those of a terminal; other streams do not have them.
  if (!stream.isTTY || !stream.hasColors()) return text;
  const [on, off] = inspect.colors[style] as [number, number];
  return `\x1b[${String(on)}m${text}\x1b[${String(off)}m`;
}
