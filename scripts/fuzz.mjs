// Fuzzes what plans and what parses, under AddressSanitizer and UndefinedBehaviorSanitizer, with libFuzzer (clang).
//
//   node scripts/fuzz.mjs [seconds for each target, 30] [target …]
//
// A finding is kept as build-cmake/fuzz/<target>-crash-…: run the target on that file to see it again.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Each with the sources of ours that it needs, and the libraries. */
const TARGETS = {
  planner: { sources: ['native/core/planner.cc'], libraries: [] },
  bytes: { sources: ['native/memcached/compression.cc'], libraries: ['-lz'] },
};

const FOLDER = 'build-cmake/fuzz';
const FLAGS = ['-std=c++20', '-g', '-O1', '-Wall', '-Wextra', '-Inative', '-fsanitize=fuzzer,address,undefined'];

function stop(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
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
    candidates.find(works) ?? stop('Fuzzing needs clang with libFuzzer: apt-get install clang-14 libclang-rt-14-dev')
  );
}

const [seconds = '30', ...wanted] = process.argv.slice(2);
if (!(Number(seconds) > 0)) stop(`Not a number of seconds: ${seconds}`);
const unknown = wanted.find((name) => !Object.hasOwn(TARGETS, name));
if (unknown !== undefined) stop(`No such target: ${unknown}. There are: ${Object.keys(TARGETS).join(', ')}`);

mkdirSync(FOLDER, { recursive: true });
const compiler = findCompiler();
let failed = false;
for (const [name, { sources, libraries }] of Object.entries(TARGETS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const corpus = join(FOLDER, `${name}-corpus`);
  const program = join(FOLDER, `${name}_fuzz`);
  mkdirSync(corpus, { recursive: true });
  console.log(`Building ${program}`);
  const built = run(compiler, [...FLAGS, `test/fuzz/${name}_fuzz.cc`, ...sources, ...libraries, '-o', program]);
  if (!built) stop(`${name} does not build.`);
  console.log(`Fuzzing ${name} for ${seconds} s`);
  const passed = run(program, [
    `-max_total_time=${seconds}`,
    '-max_len=4096',
    '-timeout=10',
    '-rss_limit_mb=3072',
    '-print_final_stats=1',
    '-verbosity=0',
    `-artifact_prefix=${FOLDER}/${name}-`,
    corpus,
  ]);
  console.log(`${name}: ${passed ? 'nothing found' : 'FAILED'}, ${readdirSync(corpus).length} inputs in the corpus`);
  failed ||= !passed;
}
process.exit(failed ? 1 : 0);
