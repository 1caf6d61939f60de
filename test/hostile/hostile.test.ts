// Servers that answer nonsense. Every operation ends in time, with a proper error or a legitimate miss; never with a value
// that was not asked for, and never with the process. `common.silence` and its kin are in scripts/attacks.mjs.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Report {
  operation: string;
  outcome: string;
  result: string;
  isEvil: boolean;
  /** Milliseconds after the deadline. */
  late: number;
}

const MARGIN = 400;
const operations = 16;
const scripts = join(__dirname, 'scripts');

async function attack(name: string, binary: string, only: readonly string[] = []) {
  const child = spawn(process.execPath, [join(scripts, 'attack.mjs'), name, binary, ...only], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  const ended = await new Promise<string>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(signal ?? String(code));
    });
  });
  clearTimeout(killer);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { ended, stderr, reports: lines.map((line) => JSON.parse(line) as Report) };
}

/** The names of the attacks in a table of scripts/attacks.mjs, which jest cannot import. */
function attacksIn(table: string): string[] {
  const source = readFileSync(join(scripts, 'attacks.mjs'), 'utf8');
  const start = source.indexOf(`export const ${table} = {`);
  const body = source.slice(start, source.indexOf('\n};', start));
  return [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name ?? '');
}

/** Which operations, each in a process of its own, ended it. */
async function blame(name: string, binary: string, suspects: readonly string[]): Promise<string[]> {
  const guilty: string[] = [];
  for (const suspect of suspects) {
    const { ended, stderr } = await attack(name, binary, [suspect]);
    if (ended !== '0') guilty.push(`${suspect}: ${ended} ${stderr.trim().split('\n')[0] ?? ''}`);
  }
  return guilty;
}

const allOperations = [
  ...['get', 'gets', 'getMulti', 'getMultiMany', 'set', 'setMulti', 'add', 'cas', 'incr', 'incrMulti', 'touch'],
  ...['append', 'delete', 'getStats', 'version', 'flushAll'],
];

describe.each(['true', 'false', 'auto'])('binary: %s', (binary) => {
  const names = [...attacksIn('common'), ...attacksIn(binary === 'false' ? 'textOnly' : 'binaryOnly')];

  it.each(names)('%s', async (name) => {
    const { ended, stderr, reports } = await attack(name, binary);
    if (ended !== '0') expect(await blame(name, binary, allOperations)).toEqual([]);
    expect({ ended, stderr }).toEqual({ ended: '0', stderr: '' });
    expect(reports).toHaveLength(operations);
    expect(reports.filter(({ isEvil }) => isEvil)).toEqual([]);
    expect(reports.filter(({ outcome }) => outcome !== 'ok' && !/^[A-Z]\w+$/.test(outcome))).toEqual([]);
    expect(reports.filter(({ late }) => late > MARGIN)).toEqual([]);
  });
});
