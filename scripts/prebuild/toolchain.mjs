// What compiles for an architecture, and where its libraries are: the system's own, or, for another architecture, a cross
// compiler and Debian 12's packages for it in .cache/.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { debianRoot } from '../debian/root.mjs';

const CROSS = { arm64: 'aarch64-linux-gnu' };
const PACKAGES = [
  ...['libc6-dev', 'libstdc++-12-dev'],
  ...['libmemcached-dev', 'libsasl2-dev', 'libsasl2-modules', 'zlib1g-dev', 'libboost-context-dev'],
];

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** `root` is where the packages are of the files that `find` finds; undefined: they are the system's. */
class Toolchain {
  constructor({ arch, libc, compiler, strip, root, env = {} }) {
    Object.assign(this, { arch, libc, compiler, strip, root });
    this.env = { ...process.env, ...env };
  }

  /** The library of that file name, as the linker finds it. */
  find(name) {
    const path = run(this.compiler, `-print-file-name=${name}`);
    if (path === name) throw new Error(`${name} was not found.`);
    return realpathSync(path);
  }

  /** As the package names it that it came from. */
  packedName(path) {
    return this.root === undefined ? path : `/${relative(this.root, path)}`;
  }
}

function own() {
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  return new Toolchain({ arch: process.arch, libc, compiler: process.env.CXX || 'c++', strip: 'strip' });
}

function cross(arch) {
  const triplet = CROSS[arch];
  if (!triplet) throw new Error(`No cross compiler for ${arch} is known here.`);
  if (spawnSync(`${triplet}-g++`, ['--version']).error)
    throw new Error(`${triplet}-g++ is missing; node scripts/setup.mjs --cross installs it.`);
  const folder = join(process.cwd(), '.cache/debian', arch);
  const root = debianRoot({ folder, suite: 'bookworm', arch, packages: PACKAGES });
  // One word, for all that call a compiler.
  const compiler = (name) => {
    const path = join(folder, name);
    // Assertions of Boost's headers name their files: not where they are here.
    const flags = `--sysroot='${root}' -ffile-prefix-map='${root}='`;
    writeFileSync(path, `#!/bin/sh\nexec ${triplet}-${name} ${flags} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const cxx = compiler('g++');
  return new Toolchain({
    ...{ arch, root, libc: 'glibc', compiler: cxx, strip: `${triplet}-strip` },
    env: {
      CC: compiler('gcc'),
      CXX: cxx,
      AR: `${triplet}-ar`,
      PKG_CONFIG_LIBDIR: join(root, 'usr/lib', triplet, 'pkgconfig'),
      // Whatever it names is under the compiler's --sysroot.
      PKG_CONFIG_SYSTEM_LIBRARY_PATH: `/usr/lib/${triplet}`,
    },
  });
}

export function toolchainFor(arch) {
  return arch === process.arch ? own() : cross(arch);
}
