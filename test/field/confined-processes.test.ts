// Processes that may not load addons, or not read files (row V20): the error says that, and not that something is to be installed.

import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const root = realpathSync(path.join(__dirname, '../..'));
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const hasAllowAddons = process.allowedNodeEnvironmentFlags.has('--allow-addons');

/** What a program sees that loads the package in `folder`. */
async function load(folder: string, flags: readonly string[], asUser?: number): Promise<Record<string, unknown>> {
  const program = `
    try { require(${JSON.stringify(path.join(folder, 'dist/index.js'))}); console.log('{}'); }
    catch ({ code, message }) { console.log(JSON.stringify({ code, message })); }`;
  // Not the sanitizers' environment: their addon's path is not the one that these flags are about.
  const child = spawn(process.execPath, [...flags, '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
    ...(asUser === undefined ? {} : { uid: asUser, gid: asUser }),
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    return JSON.parse(stdout) as Record<string, unknown>;
  } catch {
    throw new Error(stderr);
  }
}

const advises = /is not installed|there is no binary|apt-get|node-gyp|npm install/;

it.each<[string, string[], RegExp]>([
  ['--no-addons', ['--no-addons'], /cannot be loaded: [^]*started with --no-addons/],
  [
    'the permission model, all files',
    [permission, '--allow-fs-read=*'],
    /cannot be loaded: [^]*permission model: add --allow-addons/,
  ],
  [
    'the permission model, the package’s files',
    [permission, `--allow-fs-read=${root}/*`],
    /cannot be loaded: [^]*permission model: add --allow-addons/,
  ],
  [
    'the permission model, without the binary',
    [permission, `--allow-fs-read=${root}/dist/*`, `--allow-fs-read=${root}/package.json`],
    /must not read [^]*permission model: add --allow-fs-read=[^]*--allow-addons/,
  ],
])('%s', async (_name, flags, message) => {
  const error = await load(root, flags);
  expect(error).toEqual({ code: 'ERR_MEMCACHED_NO_BINARY', message: expect.stringMatching(message) });
  expect(error.message).not.toMatch(advises);
});

(hasAllowAddons ? it : it.skip)('what the errors advise helps', async () => {
  expect(await load(root, [permission, '--allow-fs-read=*', '--allow-addons'])).toEqual({});
});

// Root may read everything; so another user's process does not.
(process.getuid?.() === 0 ? it : it.skip)('folders that belong to somebody else', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'confined-'));
  try {
    const own = path.join(folder, 'node_modules/libmemcached');
    for (const name of ['package.json', 'dist'])
      cpSync(path.join(root, name), path.join(own, name), { recursive: true });
    const scope = path.join(folder, 'node_modules/@libmemcached');
    mkdirSync(scope);
    chmodSync(folder, 0o755);
    chmodSync(scope, 0o700);
    const error = await load(own, [], 65534);
    expect(error).toEqual({
      code: 'ERR_MEMCACHED_NO_BINARY',
      message: expect.stringMatching(/EACCES|permission denied/),
    });
    expect(error.message).not.toMatch(advises);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
