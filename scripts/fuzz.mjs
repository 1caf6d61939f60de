// Fuzzes what plans and what parses, under AddressSanitizer and UndefinedBehaviorSanitizer, with libFuzzer (clang).
//
//   npm run fuzz -- [--seconds 30, for each target] [target …]
//
// A target is a file test/fuzz/<target>_fuzz.cc. A finding is kept as build-cmake/fuzz/<target>-crash-…: run the target on
// that file to see it again.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const FOLDER = 'build-cmake/fuzz';
const TARGETS = readdirSync('test/fuzz').flatMap((name) => /^(\w+)_fuzz\.cc$/.exec(name)?.[1] ?? []);

/**
 * A server that lies about a length makes libmemcached ask for gigabytes: it gets none, and says so. Fake stacks and the
 * stacks of fibers do not go together.
 */
const ENVIRONMENT = { ASAN_OPTIONS: 'allocator_may_return_null=1:detect_stack_use_after_return=0' };

function stop(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...ENVIRONMENT } });
  if (error) stop(`${command}: ${error.message}`);
  return status === 0;
}

/** Not every clang can: libFuzzer is a package of its own (Debian: clang-14 and libclang-rt-14-dev). */
function findCompiler() {
  const source = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  const args = ['-x', 'c++', '-fsanitize=fuzzer,address', '-', '-o', join(FOLDER, 'probe')];
  const works = (name) => spawnSync(name, args, { input: source, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
  const candidates = [process.env.CLANGXX, 'clang++', 'clang++-19', 'clang++-16', 'clang++-14'].filter(Boolean);
  return (
    candidates.find(works) ?? stop('Fuzzing needs clang with libFuzzer; node scripts/setup.mjs --fuzz installs it.')
  );
}

function build(compiler) {
  const flags = [`-DCMAKE_CXX_COMPILER=${compiler}`, '-DFUZZ=ON', '-DSANITIZE=address,undefined'];
  const names = TARGETS.map((name) => `${name}_fuzz`);
  const jobs = String(availableParallelism());
  if (
    !run('cmake', ['-S', '.', '-B', FOLDER, ...flags, '--log-level=WARNING']) ||
    !run('cmake', ['--build', FOLDER, '--parallel', jobs, '--target', ...names])
  )
    stop('The targets do not build.');
}

const { values: given, positionals: wanted } = parseArgs({
  options: { seconds: { type: 'string', default: '30' } },
  allowPositionals: true,
});
const seconds = Number(given.seconds);
if (!(seconds > 0)) stop(`Not a number of seconds: ${given.seconds}`);
const unknown = wanted.find((name) => !TARGETS.includes(name));
if (unknown !== undefined) stop(`No such target: ${unknown}. There are: ${TARGETS.join(', ')}`);

mkdirSync(FOLDER, { recursive: true });
build(findCompiler());
const failed = [];
for (const name of TARGETS.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const corpus = join(FOLDER, `${name}-corpus`);
  mkdirSync(corpus, { recursive: true });
  console.log(`\nFuzzing ${name} for ${seconds} s`);
  const passed = run(join(FOLDER, `${name}_fuzz`), [
    `-max_total_time=${seconds}`,
    '-max_len=4096',
    '-len_control=10', // longer inputs sooner: batches and answers
    '-timeout=20',
    '-rss_limit_mb=3072',
    '-malloc_limit_mb=100000',
    '-print_final_stats=1',
    '-verbosity=0',
    '-print_funcs=0',
    `-artifact_prefix=${FOLDER}/${name}-`,
    corpus,
  ]);
  console.log(`${name}: ${passed ? 'nothing found' : 'FAILED'}, ${readdirSync(corpus).length} inputs in the corpus`);
  if (!passed) failed.push(name);
}
console.log(failed.length === 0 ? '\nfuzzing: nothing found' : `\nfuzzing: FAILED: ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);
