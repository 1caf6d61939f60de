// Bundles programs that use the packed package, with the settings that docs/installation.md names, and runs them: with
// webpack, and with both builders of Next, whose standalone output is moved away first: it must hold the binary and all that
// belongs to it. (esbuild: test/packaging/entry-points.test.ts.)
//
//   node scripts/test-bundlers.mjs           fetches the bundlers into .cache/bundlers (400 MB)

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, startMemcached } from './soak/server.mjs';
import { tarballs } from './test-install/tarballs.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const project = resolve('.cache/bundlers');
const moved = mkdtempSync(join(tmpdir(), 'libmemcached-bundlers-'));
const server = await startMemcached();
const env = { ...process.env, SERVER: server.address, NEXT_TELEMETRY_DISABLED: '1' };

function run(command, args, cwd = project) {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function check(what, value, expected) {
  if (value.trim() !== expected) throw new Error(`${what} said "${value}", not "${expected}".`);
  console.log(`${what}: ${value.trim()}`);
}

function prepare() {
  mkdirSync(project, { recursive: true });
  for (const name of ['.next', 'webpack', 'app']) rmSync(join(project, name), { recursive: true, force: true });
  cpSync('test/bundlers', project, { recursive: true });
  const files = tarballs(process.arch).files.map((file) => resolve(file));
  // The same version of ours may hold something else than the last time.
  for (const name of ['libmemcached', '@libmemcached'])
    rmSync(join(project, 'node_modules', name), { recursive: true, force: true });
  run('npm', ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', ...files]);
}

function webpack() {
  const require = join(project, 'node_modules/webpack');
  const script = `require(${JSON.stringify(require)})(require('./webpack.config.cjs'), (error, stats) => {
    if (error || stats.hasErrors() || stats.hasWarnings()) { console.error(error ?? stats.toString()); process.exit(1); }
  });`;
  run(process.execPath, ['-e', script]);
  for (const bundle of ['bundle.cjs', 'bundle.mjs'])
    check(`webpack, ${bundle}`, run(process.execPath, [`webpack/${bundle}`]), 'by a bundler');
}

async function next(builder) {
  run('npx', ['next', 'build', `--${builder}`]);
  const standalone = join(moved, builder);
  cpSync(join(project, '.next/standalone'), standalone, { recursive: true, verbatimSymlinks: true });
  const port = await freePort();
  const started = spawn(process.execPath, ['server.js'], {
    cwd: standalone,
    env: { ...env, PORT: String(port), HOSTNAME: '127.0.0.1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(started, 'exit').then(() => {
    throw new Error("Next's server has ended.");
  });
  try {
    check(`Next, ${builder}`, await Promise.race([answer(`http://127.0.0.1:${port}/value`), ended]), 'by Next');
  } finally {
    started.kill('SIGKILL');
    await ended.catch(() => {});
  }
}

async function answer(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await sleep(100); // not listening yet
    }
  }
  throw new Error(`Nobody answers at ${url}.`);
}

try {
  prepare();
  webpack();
  await next('turbopack');
  await next('webpack');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(moved, { recursive: true, force: true });
}
