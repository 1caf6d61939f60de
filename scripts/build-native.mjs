// Builds the addon (build/Release/memcached_binding.node) with node-gyp, if anything it is made from has changed.
// node-gyp's make then compiles only the files that changed; `--force` starts from nothing.

import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headers } from './headers.mjs';
import { buildIfStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const TARGET = 'build/Release/memcached_binding.node';
const SOURCES = ['binding.gyp', 'native', 'deps/locate.js', 'node_modules/node-addon-api/package.json'];

function build() {
  console.log('Building the addon (build/Release)');
  // First alone, so that a missing library is one message and not the end of a page of gyp's.
  if (spawnSync(process.execPath, ['deps/locate.js', 'version'], { stdio: ['ignore', 'ignore', 'inherit'] }).status) {
    process.exit(1);
  }
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const nodedir = headers();
  const command = process.argv.includes('--force') ? ['rebuild'] : ['configure', 'build'];
  const args = [
    ...[nodeGyp, ...command, '--jobs=max', '--loglevel=warn'],
    ...(nodedir ? [`--nodedir=${nodedir}`] : []),
  ];
  try {
    // Not make's progress, only what the compiler has to say.
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    process.exit(error.status || 1); // node-gyp has said why
  }
}

await buildIfStale(TARGET, SOURCES, build);
