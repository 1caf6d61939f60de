// Compiles lib/ to dist/ with tsc, if anything in it has changed; `--force` does so in any case.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

buildIfStale('dist/index.js', ['lib', 'tsconfig.json'], () => {
  console.log('Compiling TypeScript (dist)');
  // What was compiled from files that are gone must not be found, or published.
  rmSync('dist', { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
