/** Finds the addon's binary, and loads it. */

import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../package-root';
import { missingBinaryError, otherRuntimeError, unloadableBinaryError } from './missing-binary';

/* eslint-disable @typescript-eslint/no-require-imports -- binaries, and packages of which one is installed */

/** By node-gyp: in the repository, or in an installed package, which has no binding.gyp in its root. */
const builtHere = ['', 'source'].map((folder) =>
  path.join(packageRoot, folder, 'build/Release/memcached_binding.node'),
);

/**
 * Whether this is Node for musl: its own file names the dynamic linker, near its beginning. (process.report says it too,
 * but that takes milliseconds.)
 */
function isMusl(): boolean {
  try {
    const file = openSync(process.execPath, 'r');
    try {
      const start = Buffer.alloc(2048);
      readSync(file, start, 0, start.length, 0);
      return start.includes('ld-musl-');
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // not allowed to read it (--permission)
  }
}

/** The package for this machine, as in package.json's optionalDependencies, without the scope: 'linux-x64-gnu'. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
}

/** Undefined if there is no such package, or it is not installed. */
function loadPackage(name: string): unknown {
  // Inside of `try`: a bundler forgives those that are not installed. By literal names: who gathers the files of a
  // program (Next, Vercel) follows no others.
  try {
    switch (name) {
      case 'linux-x64-gnu':
        return require('@libmemcached/linux-x64-gnu') as unknown;
      case 'linux-x64-musl':
        return require('@libmemcached/linux-x64-musl') as unknown;
      case 'linux-arm64-gnu':
        return require('@libmemcached/linux-arm64-gnu') as unknown;
      case 'linux-arm64-musl':
        return require('@libmemcached/linux-arm64-musl') as unknown;
    }
  } catch (error) {
    const { code, message, resource } = error as { code?: unknown; message?: unknown; resource?: unknown };
    // Not just anything that is missing: the package.
    const isMissing = code === 'MODULE_NOT_FOUND' && String(message).includes(`@libmemcached/${name}`);
    // The permission model of Node 22.
    const isHidden = code === 'ERR_ACCESS_DENIED' && String(resource).endsWith('/package.json');
    if (!isMissing && !isHidden) throw unloadableBinaryError(`@libmemcached/${name}`, error);
  }
  return undefined;
}

function loadBuilt(file: string): unknown {
  try {
    return require(file) as unknown;
  } catch (error) {
    throw unloadableBinaryError(file, error);
  }
}

/** Where it must not look, Node's newer permission model throws. */
function isThere(file: string): boolean {
  try {
    return existsSync(file);
  } catch {
    return false;
  }
}

/** What was built here, else the platform's package. */
export function loadBinary(): unknown {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined)
    throw otherRuntimeError(bun === undefined ? `Deno ${deno}` : `Bun ${bun}`);
  const built = builtHere.find(isThere);
  if (built !== undefined) return loadBuilt(built);
  const name = platformName();
  const binary = loadPackage(name);
  if (binary === undefined) throw missingBinaryError(name);
  return binary;
}
