// Makes the prebuilt binary for this machine, or with `--arch=arm64` for another on this one, in packages/linux-<…>/:
//
//   memcached_binding.node    the addon
//   lib/                      the shared libraries that it needs, and SASL's PLAIN plugin
//   bundled.json              what they are: versions, licences, where they came from
//
// `npm run packages` makes a package of it. Run it on the oldest system to be supported: what is built here needs this
// system's C library or a newer one, as far as it uses it (the floor is printed). For another architecture, Debian 12's
// packages are fetched and a cross compiler is used (node scripts/setup.mjs --cross). `--force` builds even if nothing has
// changed.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FOLDER, targetOf } from './packages/targets.mjs';
import { bundle, floor } from './prebuild/libraries.mjs';
import { describe } from './prebuild/provenance.mjs';
import { toolchainFor } from './prebuild/toolchain.mjs';
import { headers } from './headers.mjs';
import { buildIfStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const { values: options } = parseArgs({
  options: { arch: { type: 'string', default: process.arch }, force: { type: 'boolean' } },
});

function stop(message) {
  console.error(message);
  process.exit(1);
}

if (process.platform !== 'linux') stop(`The addon runs on Linux only, not on ${process.platform}.`);

/** Of its own, so that the addon that is being developed stays where it is. */
const WORK = 'build-prebuild';
const NATIVE = ['binding.gyp', 'native', 'deps'];
const SOURCES = [...NATIVE, 'scripts/prebuild.mjs', 'scripts/prebuild', 'scripts/debian'];
const ADDON = 'memcached_binding.node';

function compile(toolchain, target) {
  rmSync(WORK, { recursive: true, force: true });
  for (const name of NATIVE) cpSync(name, join(WORK, name), { recursive: true });
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const nodedir = headers();
  const args = [
    ...['rebuild', `--directory=${WORK}`, `--arch=${toolchain.arch}`, '--jobs=max', '--loglevel=warn'],
    ...(nodedir ? [`--nodedir=${nodedir}`] : []),
  ];
  // Not gyp's and make's progress, only what the compiler has to say.
  const stdio = ['ignore', 'ignore', 'inherit'];
  for (const [command, ...rest] of [
    [process.execPath, nodeGyp, ...args],
    [toolchain.strip, join(WORK, 'build/Release', ADDON)],
  ]) {
    if (spawnSync(command, rest, { stdio, env: toolchain.env }).status !== 0) stop(`${command} failed.`);
  }
  copyFileSync(join(WORK, 'build/Release', ADDON), target);
  rmSync(WORK, { recursive: true });
}

function build(toolchain, folder) {
  const addon = join(folder, ADDON);
  // First alone, so that a missing library is one message and not the end of a page of gyp's.
  const locate = spawnSync(process.execPath, ['deps/locate.js', 'version'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: toolchain.env,
  });
  if (locate.status) process.exit(1);
  console.log(`Building ${addon}`);
  // Whatever was bundled before, under names that may have changed.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(toolchain, addon);
  const bundled = bundle({ addon, folder, toolchain });
  // Modes go into the package, and an upload of a workflow loses them: the same everywhere.
  const files = bundled.map(({ file }) => join(folder, file)); // and the addon: one library is part of it
  for (const file of files) chmodSync(file, 0o644);
  const { arch, libc } = toolchain;
  const libraries = bundled.map((each) => describe(each, toolchain)).sort((a, b) => (a.file < b.file ? -1 : 1));
  const manifest = { platform: 'linux', arch, libc, requires: floor(files), libraries };
  writeFileSync(join(folder, 'bundled.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The finished thing, in a process that sees neither this tree nor the build: it must load, and by itself. */
function check(addon) {
  const script = `const { libmemcachedVersion, supportSasl } = require(${JSON.stringify(join(process.cwd(), addon))});
    if (!supportSasl) throw new Error('built without SASL');
    console.log('libmemcached ' + libmemcachedVersion);`;
  const { status } = spawnSync(process.execPath, ['-e', script], { stdio: 'inherit', cwd: '/', env: {} });
  if (status !== 0) process.exit(1);
}

function tell(folder) {
  const { requires, libraries } = JSON.parse(readFileSync(join(folder, 'bundled.json'), 'utf8'));
  console.log(`${folder} needs ${requires.join(', ')}; with it come:`);
  for (const { name, version, license, file } of libraries) {
    console.log(`  ${name} ${version} (${license}): ${file}`);
  }
}

const toolchain = toolchainFor(options.arch);
const folder = join(FOLDER, targetOf(toolchain.arch, toolchain.libc).name);
await buildIfStale(join(folder, 'bundled.json'), SOURCES, () => {
  build(toolchain, folder);
  // Another architecture's: scripts/test-arm64.mjs.
  if (toolchain.arch === process.arch) check(join(folder, ADDON));
  tell(folder);
});
