// The distribution's own shared libraries beside the addon, found by an rpath relative to it.
//
// The copies get names of their own (libmemcached.so.11-1a2b3c4d, after their content). The dynamic linker takes a library
// that is already loaded for any other of the same name: under the usual ones, another addon of the same process would
// get our SASL instead of the one that it was made for, or we its.

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { isCrypto, makeStandIn } from './crypto-stand-in.mjs';

/** What node itself needs, and so is there: the C library and its parts, and the C++ runtime. */
const PRESENT = /^(linux-vdso|ld-linux|ld-musl|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)[.-]/;

// Their symbols are versioned; these are the newest that may be needed: RHEL 9's, older than Debian 12's. (Linking
// libstdc++ and libgcc statically would not do: Debian 12's need glibc 2.36.)
const CEILING = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13' };

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

function neededBy(file) {
  return run('patchelf', '--print-needed', file)
    .split('\n')
    .filter((name) => name !== '' && !PRESENT.test(name));
}

/** All that `addon` needs, directly or not, and that node does not bring: name → path. OpenSSL's is undefined. */
function closure(addon, toolchain) {
  const libraries = new Map();
  const open = [addon];
  for (const file of open) {
    for (const name of neededBy(file)) {
      if (libraries.has(name)) continue;
      const path = isCrypto(name) ? undefined : toolchain.find(name);
      libraries.set(name, path);
      if (path !== undefined) open.push(path);
    }
  }
  return libraries;
}

/** SASL's PLAIN mechanism, where the distribution's libsasl2 looks for it. */
function plainPlugin(libraries) {
  const [, sasl] = [...libraries].find(([name]) => name.startsWith('libsasl2.')) ?? [];
  if (!sasl) throw new Error('libmemcached was built without SASL here: libsasl2 is not among its libraries.');
  const plugin = join(dirname(sasl), 'sasl2/libplain.so');
  if (!existsSync(plugin)) throw new Error(`SASL's PLAIN plugin is missing: ${plugin} (Debian: libsasl2-modules)`);
  return realpathSync(plugin);
}

/** Copies the libraries to `folder`/lib and makes all of them find one another; says what came from where. */
export function bundle({ addon, folder, toolchain }) {
  const libraries = closure(addon, toolchain);
  const renamed = new Map();
  const bundled = [];
  mkdirSync(join(folder, 'lib/sasl2'), { recursive: true });
  for (const [name, source] of libraries) {
    const own = source === undefined ? `${name}-none` : `${name}-${sha256(source).slice(0, 8)}`;
    renamed.set(name, own);
    bundled.push({ source, file: `lib/${own}` });
  }
  bundled.push({ source: plainPlugin(libraries), file: 'lib/sasl2/libplain.so' });
  const copies = bundled.filter(({ source }) => source !== undefined);
  for (const { source, file } of copies) {
    copyFileSync(source, join(folder, file));
    chmodSync(join(folder, file), 0o755); // it may be read-only
  }
  for (const { file } of bundled.filter(({ source }) => source === undefined)) {
    makeStandIn({ target: join(folder, file), users: copies.map(({ source }) => source), toolchain });
  }
  for (const { file } of copies) {
    run('patchelf', '--set-soname', basename(file), join(folder, file));
    relink(join(folder, file), renamed, file.includes('/sasl2/') ? '$ORIGIN/..' : '$ORIGIN');
  }
  relink(addon, renamed, '$ORIGIN/lib');
  // It is part of the addon itself.
  bundled.push({ source: toolchain.find('libboost_context.a'), file: relative(folder, addon) });
  return bundled.map(({ source, file }) => ({ source, file, sha256: sha256(join(folder, file)) }));
}

function relink(file, renamed, rpath) {
  for (const name of neededBy(file)) {
    if (!renamed.has(name)) throw new Error(`${file} needs ${name}, which is not bundled.`);
    run('patchelf', '--replace-needed', name, renamed.get(name), file);
  }
  // DT_RPATH, not DT_RUNPATH: LD_LIBRARY_PATH would come before the latter.
  run('patchelf', '--force-rpath', '--set-rpath', rpath, file);
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** The newest versions of the system's libraries that `files` need. */
export function floor(files) {
  const newest = new Map();
  for (const file of files) {
    for (const [, library, version] of run('readelf', '--version-info', '--wide', file).matchAll(
      /\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)/g,
    )) {
      const ceiling = CEILING[library];
      if (compare(version, ceiling) > 0) throw new Error(`${file} needs ${library} ${version}, newer than ${ceiling}.`);
      if (compare(version, newest.get(library) ?? '0') > 0) newest.set(library, version);
    }
  }
  return newest.size > 0 ? [...newest].map(([library, version]) => `${library} ${version}`).sort() : ['musl'];
}

function compare(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
