/** Tables: aligned for people; a line of tab-separated plain values for programs. */

import { stripVTControlCharacters } from 'node:util';

import { printable } from './printable';

export type Cell = string | number | null;

export interface Column {
  readonly title: string;
  /** How a value looks to people. Default: as it is. Null, which is "not known", is always a dash. */
  readonly show?: (value: number) => string;
  /** Default: numbers (columns with `show`) to the right, text to the left. */
  readonly align?: 'left' | 'right';
}

export function shown(column: Column, cell: Cell): string {
  if (cell === null) return '-';
  return typeof cell === 'number' && column.show !== undefined ? column.show(cell) : printable(String(cell));
}

/** The header and the rows, each a line. */
export function alignedLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  emphasize: (header: string) => string = (header) => header,
): string[] {
  const texts = rows.map((row) => columns.map((column, index) => shown(column, row[index] ?? null)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((row) => widthOf(row[index] as string))),
  );
  const aligned = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const column = columns[index] as Column;
        const padding = ' '.repeat((widths[index] as number) - widthOf(cell));
        const toTheRight = (column.align ?? (column.show === undefined ? 'left' : 'right')) === 'right';
        return toTheRight ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  const header = aligned(columns.map(({ title }) => title));
  return [...(header === '' ? [] : [emphasize(header)]), ...texts.map(aligned)];
}

/** The rows, without a header, for cut and awk. What is not known is empty. */
export function tabbedLines(rows: readonly (readonly Cell[])[]): string[] {
  return rows.map((row) => row.map((cell) => (cell === null ? '' : printable(String(cell)))).join('\t'));
}

/** In characters: what stands in these tables is ASCII, colours apart. */
function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
