// The integration tests under Node with an addon that is built with AddressSanitizer and UndefinedBehaviorSanitizer, whose
// runtime is preloaded: overflows, use after free, leaks, undefined behaviour.
//
//   node scripts/test-sanitized.mjs                a part of the tests with --short, for the CI
//   node scripts/test-sanitized.mjs --node=24      with another version of Node, from npm
//   node scripts/test-sanitized.mjs -t 'a name' test/lifecycle    jest's arguments
//
// Node itself is not instrumented. Fails on any finding that is about our addon or its libraries, and on failing tests.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchNode } from './node-binary.mjs';
import { findings } from './sanitizers/reports.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const require = createRequire(import.meta.url);

const TESTS = ['test/integration', 'test/failover', 'test/lifecycle', 'test/hostile', 'test/topology'];
/** Every path through the addon at least once, and its ends. */
const SHORT_TESTS = [
  ...['reading', 'writing', 'counters', 'multi-reading', 'compression', 'abort', 'client-life-cycle'].map(
    (name) => `test/integration/${name}.test`,
  ),
  'test/failover/recovery',
  'test/topology/tls',
  'test/hostile/pieces',
];

const given = process.argv.slice(2);
const isShort = given.includes('--short');
const otherNode = given.find((argument) => argument.startsWith('--node='))?.slice('--node='.length);
const jestArguments = given.filter((argument) => argument !== '--short' && !argument.startsWith('--node='));
const namesTests = jestArguments.some((argument) => argument.startsWith('test/'));
// The same as of the native tests under the sanitizer: what both need is compiled once.
const folder = join(root, 'build-cmake/address-undefined');
const addon = join(folder, 'memcached_binding.node');
const reports = join(folder, 'reports');
const runtime = 'libasan.so';

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

function build() {
  const configured = run('cmake', [
    ...['-S', '.', '-B', folder, '-DSANITIZE=address,undefined', '--log-level=WARNING'],
    `-DCMAKE_JS_INC=${require('node-api-headers').include_dir}`,
  ]);
  const jobs = String(availableParallelism());
  if (!configured || !run('cmake', ['--build', folder, '--target', 'addon', '--parallel', jobs])) process.exit(1);
}

function runtimePath() {
  const { stdout } = spawnSync('gcc', [`-print-file-name=${runtime}`], { encoding: 'utf8' });
  const path = stdout?.trim() ?? '';
  if (existsSync(path)) return path;
  console.error(`gcc has no ${runtime}.`);
  process.exit(1);
}

const common = `log_path=${join(reports, 'report')}:allocator_may_return_null=1`;
const environment = {
  LD_PRELOAD: runtimePath(),
  SANITIZED_ADDON: addon,
  NODE_OPTIONS: `--require ${join(root, 'scripts/sanitizers/preload.cjs')}`,
  // The first finding ends a process, and fails its test, but leaks are judged when all is over.
  // Fake stacks (detect_stack_use_after_return) and the stacks of fibers do not go together.
  ASAN_OPTIONS: `${common}:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=0:quarantine_size_mb=16`,
  // Without use_tls the checker reads what exiting threads have unmapped.
  LSAN_OPTIONS: 'exitcode=0:use_tls=0:print_suppressions=0',
  UBSAN_OPTIONS: `${common}:halt_on_error=1:print_stacktrace=1`,
};

const bin = otherNode === undefined ? dirname(process.execPath) : fetchNode(otherNode);

function node(...args) {
  // In PATH for those tests that start `node` and not the one that they run in.
  return run(join(bin, 'node'), args, { ...environment, PATH: `${bin}${delimiter}${process.env.PATH}` });
}

/** That what is loaded is what was built, and that a sanitizer watches it: else all of this says nothing. */
const PROOF = `
  require('./dist');
  console.log('Node ' + process.version);
  const loaded = process.report.getReport().sharedObjects;
  for (const part of ${JSON.stringify([addon, runtime])})
    if (!loaded.some((name) => name.includes(part))) throw new Error(part + ' is not loaded');
`;

build();
// Child processes of the tests use dist/; and the addon is looked for where it always is.
if (!['scripts/build-native.mjs', 'scripts/build-ts.mjs'].every((script) => run(process.execPath, [script])))
  process.exit(1);
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
if (!node('-e', PROOF)) process.exit(1);
const tests = isShort ? SHORT_TESTS : namesTests ? [] : TESTS;
const options = [
  // It judges memory, of which sanitizers keep what was freed. (Takes several: another option has to follow.)
  '--testPathIgnorePatterns=test/lifecycle/growth',
  ...['--runInBand', '--testTimeout=120000'],
];
const passed = node(require.resolve('jest/bin/jest'), ...options, ...tests, ...jestArguments);
const found = findings(reports);
for (const finding of found) console.error(`\n${finding}`);
// UBSan's go to standard error, above, and end the process, so that jest fails.
const verdict = passed ? 'no findings' : 'FAILED, see above';
console.log(`\naddress,undefined: ${found.length === 0 ? verdict : `${found.length} FINDINGS`}`);
process.exit(passed && found.length === 0 ? 0 : 1);
