// The native unit tests: configures and builds them with CMake, and runs them with ctest.
// `--sanitize=address,undefined` does the same under sanitizers, in a build folder of its own.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const ENVIRONMENT = {
  // A hostile server may name any length: malloc says no to libmemcached then, and does not end the test.
  // Fake stacks (detect_stack_use_after_return) and the stacks of fibers do not go together.
  ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=0:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
};

const sanitize = process.argv
  .find((argument) => argument.startsWith('--sanitize='))
  ?.split('=')
  .pop();
const folder = `build-cmake/${sanitize ? sanitize.replace(',', '-') : 'test'}`;
const jobs = String(availableParallelism());

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...ENVIRONMENT } });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status || 1);
}

run('cmake', '-S', '.', '-B', folder, `-DSANITIZE=${sanitize ?? ''}`, '--log-level=WARNING');
run('cmake', '--build', folder, '--parallel', jobs);
// Some tests fork, to survive an abort; a child that inherits a lock of the sanitizer's allocator stands still for ever.
const again = ['--repeat', 'after-timeout:2'];
run('ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', ...again, '--parallel', jobs);
