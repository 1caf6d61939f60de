// Linux: the distribution's own shared libraries beside the addon, found by an rpath relative to it.
//
// The copies get names of their own (libcrypto.so.3-1a2b3c4d, after their content). The dynamic linker takes a library
// that is already loaded for any other of the same name: under the usual ones, another addon of the same process would
// get our OpenSSL or SASL instead of the one that it was made for, or we its.

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** What node itself needs, and so is there: the C library and its parts, and the C++ runtime. */
const PRESENT = /^(linux-vdso|ld-linux|ld-musl|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)[.-]/;

// Their symbols are versioned; these are the newest that may be needed: RHEL 9's, older than Debian 12's. (Linking
// libstdc++ and libgcc statically would not do: Debian 12's need glibc 2.36.)
const CEILING = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13' };

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

export function flavor() {
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

export function addonName(libc) {
  return `libmemcached.${libc}.node`;
}

/** All that `addon` needs, directly or not, and that node does not bring: name → path. */
function needs(addon) {
  const libraries = new Map();
  for (const line of run('ldd', addon).split('\n')) {
    const [, name, path] = /^\s*(\S+) => (\S+)/.exec(line) ?? [];
    if (!name || PRESENT.test(name)) continue;
    if (!path.startsWith('/')) throw new Error(`${name} was not found: ${line.trim()}`);
    libraries.set(name, realpathSync(path));
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

/** What is part of the addon itself: the static library that the compiler found, as deps/locate.js has made sure. */
function boostContext() {
  return realpathSync(run(process.env.CXX || 'c++', '-print-file-name=libboost_context.a').trim());
}

/** Copies the libraries and makes all of them find one another; says what came from where. */
export function bundle({ addon, bundle, flavor }) {
  const libraries = needs(addon);
  const renamed = new Map([...libraries].map(([name, path]) => [name, `${name}-${sha256(path).slice(0, 8)}`]));
  const bundled = [...libraries].map(([name, path]) => ({ source: path, file: renamed.get(name) }));
  bundled.push({ source: plainPlugin(libraries), file: 'sasl2/libplain.so' });
  mkdirSync(join(bundle, 'sasl2'));
  for (const { source, file } of bundled) {
    const copy = join(bundle, file);
    copyFileSync(source, copy);
    chmodSync(copy, 0o644); // it may be read-only
    run('patchelf', '--set-soname', basename(file), copy);
    relink(copy, renamed, file.startsWith('sasl2/') ? '$ORIGIN/..' : '$ORIGIN');
  }
  relink(addon, renamed, `$ORIGIN/${flavor}`);
  bundled.push({ source: boostContext(), file: relative(bundle, addon) });
  return bundled.map(({ source, file }) => ({ source, file, sha256: sha256(join(bundle, file)) }));
}

function relink(file, renamed, rpath) {
  const needed = run('patchelf', '--print-needed', file).trim().split('\n');
  for (const name of needed) {
    if (renamed.has(name)) run('patchelf', '--replace-needed', name, renamed.get(name), file);
    else if (!PRESENT.test(name)) throw new Error(`${file} needs ${name}, which is not bundled.`);
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
