'use strict';

// Finds libmemcached, libsasl2 and Boost.Context for binding.gyp and CMake:
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

/** A system on which installing packages does not help. */
class Unsupported extends Error {}

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

/**
 * What the compiler of node-gyp and CMake finds: Boost has no pkg-config files. Its library is linked statically.
 * No input: a compiler that reads none may have ended before it is written, which would be an error (EPIPE).
 */
function compiler(args, input) {
  const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'];
  try {
    return execFileSync(process.env.CXX || 'c++', args, { input, encoding: 'utf8', stdio });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Missing('There is no C++ compiler.');
    return undefined;
  }
}

function requireBoostContext() {
  const name = 'libboost_context.a';
  const source = '#if !__has_include(<boost/context/fiber.hpp>)\n#error\n#endif\n';
  const hasHeaders = compiler(['-E', '-x', 'c++', '-'], source) !== undefined;
  // Prints the path, or only the name where it finds no such file.
  const hasLibrary = (compiler([`-print-file-name=${name}`]) ?? name).trim() !== name;
  if (!hasHeaders || !hasLibrary) {
    throw new Missing('Boost.Context (its headers and its static library) is not installed.');
  }
}

function locate() {
  if (process.platform !== 'linux') {
    throw new Unsupported(
      `The addon runs on Linux only, not on ${process.platform}: it redirects libmemcached's system calls in its ` +
        'ELF linkage table.',
    );
  }
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
  requireBoostContext();
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
    if (!(error instanceof Missing || error instanceof Unsupported)) throw error;
    const advice = error instanceof Missing ? `To build the addon, install:\n${INSTALL}\n` : '';
    console.error(`\n${error.message}\n${advice}`);
    process.exitCode = 1;
  }
}

main(process.argv[2]);
