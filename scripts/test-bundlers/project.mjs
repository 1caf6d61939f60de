// The project with the bundlers and Next that `npm run test:bundlers` and `npm run test:next` share: with the packed package
// installed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../soak/server.mjs';
import { tarballs } from '../test-install/tarballs.mjs';

/** Fetched once: 400 MB. */
export const project = resolve('.cache/bundlers');

export async function prepare() {
  mkdirSync(project, { recursive: true });
  for (const name of ['.next', 'webpack', 'app']) rmSync(join(project, name), { recursive: true, force: true });
  cpSync('test/bundlers', project, { recursive: true });
  const files = tarballs(process.arch).files.map((file) => resolve(file));
  // The same version of ours may hold something else than the last time.
  for (const name of ['libmemcached', '@libmemcached'])
    rmSync(join(project, 'node_modules', name), { recursive: true, force: true });
  await run('npm', ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', ...files]);
}

/** Runs a command, and resolves with its output. A build may ask a server in this process. */
export async function run(command, args, { cwd = project, env = {} } = {}) {
  const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${output}`);
  return output;
}

/** Starts a program of Node's that listens at `PORT`, and resolves when it answers. */
export async function startServer(args, { cwd, env }) {
  const port = await freePort();
  const listening = environment({ ...env, PORT: String(port), HOSTNAME: '127.0.0.1' });
  const server = spawn(process.execPath, args, { cwd, env: listening, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'exit').then(() => {
    throw new Error(`${args.join(' ')} has ended.`);
  });
  const address = `http://127.0.0.1:${port}`;
  const stop = async () => {
    server.kill('SIGKILL');
    await ended.catch(() => {});
  };
  try {
    await Promise.race([isListening(address), ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, stop };
}

export function check(what, value, expected) {
  if (value !== expected) throw new Error(`${what}: "${value}", not "${expected}"`);
  console.log(`${what}: ${value}`);
}

async function isListening(address) {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await fetch(`${address}/nothing`);
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error(`Nobody answers at ${address}.`);
}

function environment(env) {
  return { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env };
}
