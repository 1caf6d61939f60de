// README's figures are those of the last full benchmark, bench/results/full.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/documentation-samples';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const results = readFileSync(join(root, 'bench/results/full.md'), 'utf8');

/** The first table of this text whose header begins like that: a row's name → its cells. */
function tableOf(text: string, header: string): Map<string, string[]> {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${header}`));
  expect(start).toBeGreaterThan(-1);
  const rows = new Map<string, string[]>();
  for (const line of lines.slice(start).filter((_line, index) => index !== 1)) {
    if (!line.startsWith('|')) break;
    const [name, ...cells] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    rows.set(name as string, cells);
  }
  return rows;
}

const measured = tableOf(results, 'in flight');

test('the table of ratios', () => {
  const shown = tableOf(readme, 'in flight');
  expect(shown.size).toBeGreaterThan(4);
  for (const [name, cells] of shown)
    expect([name, ...cells]).toEqual([name, ...(measured.get(name.startsWith('90 %') ? 'mix' : name) ?? [])]);
});

test.each(['10', '100'])('the range with %s in flight', (inFlight) => {
  const column = (measured.get('in flight') as string[]).indexOf(inFlight);
  const ratios = [...measured].filter(([name]) => name !== 'in flight').map(([, cells]) => Number(cells[column]));
  const [, least, most] = new RegExp(
    `with ${inFlight} in flight (?:the client does\\s+)?([\\d.]+) to ([\\d.]+) times`,
    'i',
  ).exec(readme.replaceAll('\n  ', ' ')) as unknown as [string, string, string];
  const tenths = (ratio: number): number => Math.round(ratio * 10) / 10;
  expect([Number(least), Number(most)]).toEqual([tenths(Math.min(...ratios)), tenths(Math.max(...ratios))]);
});
