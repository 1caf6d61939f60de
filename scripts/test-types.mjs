// The type tests: compiles the library, the tests and test/types/ (expect-type, @ts-expect-error) without output.
// test/types/ imports 'libmemcached', and so sees what users see: package.json's exports and dist/*.d.ts.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status || 1);
}

run('scripts/build-ts.mjs');
run(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', 'tsconfig.test.json');

const files = readdirSync('test/types', { recursive: true }).filter((name) => /\.m?ts$/.test(name));
const expectations = files.flatMap(
  (name) => readFileSync(join('test/types', name), 'utf8').match(/\bexpectTypeOf\b\s*[(<]|@ts-expect-error/g) ?? [],
).length;
console.log(`Type tests: ${expectations} expectations hold, in ${files.length} files`);
if (expectations === 0) process.exitCode = 1;
