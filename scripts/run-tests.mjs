// Runs every test suite, then prints the closing lines of each with its time.
// Fails if one failed, or ran nothing. `node scripts/run-tests.mjs jest` runs only the ones named.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const { resolve } = createRequire(import.meta.url);

/** `ran` finds how many tests ran; `closing` the lines worth repeating. */
const SUITES = [
  {
    name: 'native',
    args: ['scripts/test-native.mjs'],
    ran: /tests passed, \d+ tests failed out of (\d+)/,
    closing: /tests passed|^Total Test time|^\s+\d+ - .*\(.*\)$/,
  },
  {
    name: 'types',
    args: ['scripts/test-types.mjs'],
    ran: /^Type tests: (\d+) expectations/m,
    closing: /^Type tests|error TS/,
  },
  {
    name: 'jest',
    args: [resolve('jest/bin/jest')],
    ran: /^Tests: .*?(\d+) total/m,
    closing: /^(Test Suites|Tests|Snapshots|Time):|^FAIL |^SKIPPED: /,
  },
];

/** Shows the output as it comes, and keeps it. */
async function run({ name, args, ran, closing }) {
  console.log(`\n=== ${name} tests`);
  const start = performance.now();
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...color },
  });
  let output = '';
  for (const [stream, target] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      target.write(text);
    });
  }
  const status = await new Promise((done) => child.once('close', done));
  output = stripVTControlCharacters(output);
  const count = Number(ran.exec(output)?.[1] ?? 0);
  return {
    name,
    seconds: (performance.now() - start) / 1000,
    verdict: status !== 0 ? 'FAILED' : count === 0 ? 'FAILED (ran nothing)' : 'passed',
    lines: output.split('\n').filter((line) => closing.test(line)),
  };
}

const wanted = process.argv.slice(2);
const results = [];
for (const suite of SUITES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  results.push(await run(suite));
}

console.log('\n=== Summary');
for (const { name, seconds, verdict, lines } of results) {
  console.log(`${name}: ${verdict}, ${seconds.toFixed(1)} s`);
  for (const line of lines) console.log(`    ${line.trim()}`);
}
if (results.length === 0) console.log('No such suite.');
if (results.length === 0 || results.some(({ verdict }) => verdict !== 'passed')) process.exitCode = 1;
