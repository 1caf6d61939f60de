// Attacks run in processes of their own, because libmemcached may abort: one abort fails one test. Which operation it was,
// this tells: node test/hostile/scripts/attack.mjs <attack> <binary> <operation>

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sanitizerEnvironment, slowness } from './sanitizers';
import './wall-clock';

interface Report {
  operation: string;
  outcome: string;
  result: string;
  /** It came out with something that only the attacker has said. */
  isEvil: boolean;
  /** Milliseconds after the deadline. */
  late: number;
}

const MARGIN = 400 * slowness;
/** What may abort for reasons of its own has a process of its own. */
const GROUPS = [
  ['get', 'gets', 'getMulti', 'getMultiMany', 'set', 'setMulti', 'touch', 'delete', 'getStats', 'version', 'flushAll'],
  ['add', 'cas', 'append'],
  ['incr', 'incrMulti'],
];
const scripts = join(__dirname, '../hostile/scripts');

async function attack(name: string, binary: string, operations: readonly string[]) {
  const child = spawn(process.execPath, [join(scripts, 'attack.mjs'), name, binary, ...operations], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...sanitizerEnvironment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const killer = setTimeout(() => child.kill('SIGKILL'), 8000 * slowness);
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

/** One test for each attack of a table. */
export function underAttack(table: 'common' | 'textOnly' | 'binaryOnly', binary: 'true' | 'false'): void {
  it.each(attacksIn(table))(`binary ${binary}: %s`, async (name) => {
    const results = await Promise.all(GROUPS.map((operations) => attack(name, binary, operations)));
    const ends = results.map(({ ended, stderr }, index) => ({ operations: GROUPS[index], ended, stderr }));
    expect(ends).toEqual(GROUPS.map((operations) => ({ operations, ended: '0', stderr: '' })));
    const reports = results.flatMap((result) => result.reports);
    expect(reports).toHaveLength(GROUPS.flat().length);
    expect(reports.filter(({ isEvil }) => isEvil)).toEqual([]);
    // A TypeError or RangeError is nobody's fault but ours here.
    expect(reports.filter(({ outcome }) => outcome.startsWith('unexpected'))).toEqual([]);
    expect(reports.filter(({ late }) => late > MARGIN)).toEqual([]);
  });
}
