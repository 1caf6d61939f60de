'use strict';

// Finds libmemcached and libsasl2 for binding.gyp and CMake:
//
//   node deps/locate.js version    the version of libmemcached
//   node deps/locate.js include    its include folder
//   node deps/locate.js cflags     -I… where the compiler would not look anyway
//   node deps/locate.js libs       -L… -l…
//
// Only `--modversion`, `--libs` and `--variable` of pkg-config are used: Debian's libmemcached.pc requires libcrypto's,
// and `--exists`, `--cflags` fail on a machine that lacks that file although nothing here needs it.

const { execFileSync } = require('node:child_process');

const MINIMUM = '1.1.4';

const INSTALL = require('./system-packages.json')
  .map(({ name, command }) => `  ${`${name}:`.padEnd(16)} ${command}`)
  .join('\n');

/** What is missing, in one line, for a person. */
class Missing extends Error {}

function pkgConfig(...args) {
  try {
    return execFileSync('pkg-config', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    if (error.code === 'ENOENT') throw new Missing('pkg-config is not installed.');
    return undefined;
  }
}

function isOlder(version, minimum) {
  const [have, want] = [version, minimum].map((text) => text.split('.').map((part) => parseInt(part, 10) || 0));
  for (let i = 0; i < want.length; i++) {
    const difference = (have[i] ?? 0) - want[i];
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function locate() {
  const version = pkgConfig('--modversion', 'libmemcached');
  if (version === undefined) throw new Missing('libmemcached (with its headers) is not installed.');
  if (isOlder(version, MINIMUM)) {
    throw new Missing(
      `libmemcached ${version} is too old: ${MINIMUM} is the first that cannot return ` +
        "another key's value after a poll timeout (GHSA-wwmh-39wj-fx59).",
    );
  }
  if (pkgConfig('--modversion', 'libsasl2') === undefined) {
    throw new Missing('libsasl2 (with its headers) is not installed.');
  }
  const include = pkgConfig('--variable=includedir', 'libmemcached') || '/usr/include';
  // memcachedutil (connection pools) is not used.
  const libs = (pkgConfig('--libs', 'libmemcached', 'libsasl2') || '-lmemcached -lsasl2')
    .split(/\s+/)
    .filter((flag) => flag !== '-lmemcachedutil')
    .join(' ');
  const cflags = include === '/usr/include' ? '' : `-I${include}`;
  return { version, include, cflags, libs };
}

function main(what) {
  try {
    const found = locate();
    if (!(what in found)) throw new TypeError(`not one of ${Object.keys(found).join(', ')}: ${what}`);
    console.log(found[what]);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    console.error(`\n${error.message}\nTo build the addon, install:\n${INSTALL}\n`);
    process.exitCode = 1;
  }
}

main(process.argv[2]);
