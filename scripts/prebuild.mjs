// Makes the prebuilt binary for this machine, in prebuilds/<platform>-<arch>/:
//
//   libmemcached.<libc>.node    the addon, by prebuildify
//   <libc>/                     the shared libraries that it needs, and SASL's PLAIN plugin
//   <libc>/bundled.json         what they are: versions, licences, where they came from (npm run sbom reads it)
//
// Run it on the oldest system to be supported: what is built here needs this system's C library or a newer one, as far
// as it uses it (the floor is printed). Several machines' prebuilds/ laid over one another make the package.
// `--force` builds even if nothing has changed.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonName, bundle as bundleLibraries, flavor as libcFlavor, floor } from './prebuild/linux.mjs';
import { describe } from './prebuild/provenance.mjs';
import { headers } from './headers.mjs';
import { buildIfStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

if (process.platform !== 'linux') {
  console.error(`The addon runs on Linux only, not on ${process.platform}.`);
  process.exit(1);
}

/** Of its own, so that the addon that is being developed stays where it is. */
const WORK = 'build-prebuild';
const NATIVE = ['binding.gyp', 'native', 'deps'];
const SOURCES = [...NATIVE, 'scripts/prebuild.mjs', 'scripts/prebuild'];
const flavor = libcFlavor();
const folder = join('prebuilds', `${process.platform}-${process.arch}`);
const addon = join(folder, addonName(flavor));
const bundle = join(folder, flavor);

function compile() {
  rmSync(WORK, { recursive: true, force: true });
  for (const name of NATIVE) cpSync(name, join(WORK, name), { recursive: true });
  const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
  const nodedir = headers();
  const { status } = spawnSync(
    process.execPath,
    [
      prebuildify,
      ...['--napi', '--strip', '--tag-libc', flavor],
      ...['--name', 'libmemcached', '--target', process.versions.node],
      ...['--cwd', WORK, '--out', '.'],
    ],
    {
      // Not gyp's and make's progress, only what the compiler has to say.
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        npm_config_loglevel: 'warn',
        npm_config_jobs: 'max',
        ...(nodedir ? { npm_config_nodedir: nodedir } : {}),
      },
    },
  );
  if (status !== 0) process.exit(status || 1);
  rmSync(WORK, { recursive: true });
}

function build() {
  // First alone, so that a missing library is one message and not the end of a page of gyp's.
  if (spawnSync(process.execPath, ['deps/locate.js', 'version'], { stdio: ['ignore', 'ignore', 'inherit'] }).status) {
    process.exit(1);
  }
  console.log(`Building ${addon}`);
  // Whatever was bundled before, under names that may have changed.
  rmSync(addon, { force: true });
  rmSync(bundle, { recursive: true, force: true });
  compile();
  mkdirSync(bundle, { recursive: true });
  const bundled = bundleLibraries({ addon, bundle, flavor });
  // Modes go into the package, and an upload of a workflow loses them: the same everywhere.
  const files = bundled.map(({ file }) => join(bundle, file)); // and the addon: one library is part of it
  for (const file of files) chmodSync(file, 0o644);
  const manifest = {
    platform: process.platform,
    arch: process.arch,
    libc: flavor,
    requires: floor(files),
    libraries: bundled.map(describe).sort((a, b) => (a.file < b.file ? -1 : 1)),
  };
  writeFileSync(join(bundle, 'bundled.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The finished thing, in a process that sees neither this tree nor the build: it must load, and by itself. */
function check() {
  const script = `const { libmemcachedVersion, supportSasl } = require(${JSON.stringify(join(process.cwd(), addon))});
    if (!supportSasl) throw new Error('built without SASL');
    console.log('libmemcached ' + libmemcachedVersion);`;
  const { status } = spawnSync(process.execPath, ['-e', script], { stdio: 'inherit', cwd: '/', env: {} });
  if (status !== 0) process.exit(1);
  const { requires, libraries } = JSON.parse(readFileSync(join(bundle, 'bundled.json'), 'utf8'));
  console.log(`${addon} needs ${requires.join(', ')}; with it come:`);
  for (const { name, version, license, file } of libraries) {
    console.log(`  ${name} ${version} (${license}): ${file}`);
  }
}

let built = false;
buildIfStale(addon, SOURCES, () => {
  built = true;
  build();
});
if (built || !existsSync(bundle) || readdirSync(bundle).length === 0) check();
