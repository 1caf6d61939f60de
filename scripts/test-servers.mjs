// Runs the tests that depend on the server against newer memcached than this system's: Debian's packages of later releases,
// unpacked into .cache/ with the libraries that they need, and run from there.
//
//   node scripts/test-servers.mjs                     trixie's and sid's: the integration, hostile and interoperation suites
//   node scripts/test-servers.mjs sid                 one of them
//   node scripts/test-servers.mjs --short             a part of the suites, for the CI
//   node scripts/test-servers.mjs -- -t 'a name'      jest's arguments
//
// sid's is the newest on the day when it was fetched; remove .cache/servers for a newer one.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianRoot } from './debian/root.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const SUITES = ['trixie', 'sid'];
const TESTS = ['test/integration', 'test/hostile', 'test/interop'];
/** Every operation once, and what servers word for themselves: refusals, statistics, SASL. */
const SHORT_TESTS = [
  ...['reading', 'writing', 'counters', 'multi-reading', 'multi-writing', 'sasl', 'too-big', 'cas'].map(
    (name) => `test/integration/${name}.test`,
  ),
  'test/interop/pylibmc-values',
];
const ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];

/** A folder for PATH with a `memcached` that runs that of the release with its own C library. */
function fetchServer(suite) {
  const folder = join(process.cwd(), '.cache/servers', suite);
  const packages = ['memcached', 'libsasl2-modules', 'libsasl2-modules-db'];
  const root = debianRoot({ folder, suite, arch: ARCH, packages });
  const libraries = execFileSync('sh', ['-c', 'echo "$0"/usr/lib/*-linux-gnu', root], { encoding: 'utf8' }).trim();
  const bin = join(folder, 'bin');
  const program = join(bin, 'memcached');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    program,
    `#!/bin/sh\nexport SASL_PATH='${libraries}/sasl2'\n` +
      `exec '${libraries}'/ld-linux-*.so.* --library-path '${libraries}' '${root}/usr/bin/memcached' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return bin;
}

function test(suite, args) {
  const bin = fetchServer(suite);
  const name = execFileSync(join(bin, 'memcached'), ['-V'], { encoding: 'utf8' }).trim();
  console.log(`\n=== ${name} (Debian ${suite})`);
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  const { status } = spawnSync(process.execPath, [jest, ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  return `${name} (Debian ${suite}): ${status === 0 ? 'passed' : 'FAILED'}`;
}

const given = process.argv.slice(2);
const end = given.includes('--') ? given.indexOf('--') : given.length;
const own = given.slice(0, end);
const tests = own.includes('--short') ? SHORT_TESTS : TESTS;
const suites = own.filter((argument) => !argument.startsWith('--'));

const results = (suites.length > 0 ? suites : SUITES).map((suite) => test(suite, [...tests, ...given.slice(end + 1)]));
console.log(`\n${results.join('\n')}`);
if (results.some((line) => line.endsWith('FAILED'))) process.exitCode = 1;
