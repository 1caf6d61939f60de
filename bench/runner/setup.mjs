import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UsageError } from './options.mjs';

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The peers are dependencies of bench/ alone, so whoever uses or builds the package never downloads them. */
export function installPeers(say) {
  if (existsSync(here('node_modules/.package-lock.json'))) return;
  say('installing the peers (npm ci in bench/)');
  // `npm run` tells its children which package they belong to; this npm is about another one.
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^npm_(config_local_prefix$|package_|lifecycle_)/.test(name)) delete env[name];
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
    cwd: here('.'),
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new UsageError('npm ci in bench/ failed.');
}

export function requireMemcached() {
  try {
    return execFileSync('memcached', ['-V'], { encoding: 'utf8' }).trim();
  } catch {
    throw new UsageError('memcached is not installed (apt install memcached, dnf install memcached).');
  }
}

export function requireBuild() {
  if (existsSync(here('../dist/index.js'))) return;
  throw new UsageError(
    'dist/index.js is missing: run `npm run build` first, or measure the peers alone with --client "mem*".',
  );
}

/** Builds the C program when it is missing or old; returns why it cannot be used, if so. */
export function buildReference(say) {
  const [source, program] = [here('reference/mget.c'), here('reference/mget')];
  if (existsSync(program) && statSync(program).mtimeMs >= statSync(source).mtimeMs) return undefined;
  say('building reference/mget.c');
  const libraries = spawnSync('pkg-config', ['--libs', 'libmemcached'], { encoding: 'utf8' });
  const flags = libraries.status === 0 ? libraries.stdout.trim().split(/\s+/) : ['-lmemcached'];
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-Wall', '-o', program, source, ...flags], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `reference/mget.c was not built (${error?.code ?? stderr.trim().split('\n')[0]}); it needs a C compiler and libmemcached-dev`;
}

/** Returns why pylibmc cannot be used, if so. */
export function checkPylibmc() {
  const { status } = spawnSync('/usr/bin/python3', ['-c', 'import pylibmc'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'pylibmc is not installed (apt install python3-pylibmc)';
}

/** Pinned workloads are Linux's. */
export function hasTaskset() {
  return spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
}
