// The native unit tests: configures and builds them with CMake, and runs them with ctest.
// `--sanitize=address,undefined` and `--sanitize=thread` do the same under sanitizers, each in a build folder of its own.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const ENVIRONMENT = {
  // A hostile server may name any length: malloc says no to libmemcached then, and does not end the test.
  ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1',
};

const sanitize = process.argv
  .find((argument) => argument.startsWith('--sanitize='))
  ?.split('=')
  .pop();
const folder = `build-cmake/${sanitize ? sanitize.replace(',', '-') : 'test'}`;
const jobs = String(availableParallelism());

function run(command, ...args) {
  // ThreadSanitizer's older runtimes cannot cope with the address space randomisation of newer kernels.
  const prefix = sanitize === 'thread' ? ['setarch', '--addr-no-randomize'] : [];
  const [file, ...rest] = [...prefix, command, ...args];
  const { status, error } = spawnSync(file, rest, { stdio: 'inherit', env: { ...process.env, ...ENVIRONMENT } });
  if (error) console.error(`${file}: ${error.message}`);
  if (status !== 0) process.exit(status || 1);
}

run('cmake', '-S', '.', '-B', folder, `-DSANITIZE=${sanitize ?? ''}`, '--log-level=WARNING');
run('cmake', '--build', folder, '--parallel', jobs);
// Some tests fork, to survive an abort; a child that inherits a lock of the sanitizer's allocator stands still for ever.
const again = ['--repeat', 'after-timeout:2'];
run('ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', ...again, '--parallel', jobs);
