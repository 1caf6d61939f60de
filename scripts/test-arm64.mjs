// Runs the packed packages for linux-arm64 on another machine: Node for arm64 (from npm) under qemu, with a root that has
// only what Node itself needs (Debian's packages), against servers that run outside. Not the emulated machine's speed is
// of interest, but that it works: test/install's programs and the demonstration.
//
//   node scripts/test-arm64.mjs [Node's versions: 20 22 24 26; 20 if none is given]
//
// Needs a cross compiler and qemu: node scripts/setup.mjs --cross.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianRoot } from './debian/root.mjs';
import { fetchNode } from './node-binary.mjs';
import { startServers } from './test-install/servers.mjs';
import { tarballs } from './test-install/tarballs.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const ARCH = 'arm64';
const QEMU = 'qemu-aarch64-static';
const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const started = performance.now();

function say(text) {
  console.log(`[${((performance.now() - started) / 1000).toFixed(0).padStart(3)} s] ${text}`);
}

/** npm takes packages of another system as dependencies of dependencies, but installs them itself only by force. */
function npmInstall(folder, names) {
  const elsewhere = ['--force', '--os=linux', `--cpu=${ARCH}`, '--libc=glibc'];
  execFileSync('npm', ['install', '--prefix', folder, '--ignore-scripts', '--silent', ...elsewhere, ...names], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function makeProject(folder) {
  cpSync('test/install', folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true }));
  const { files } = tarballs(ARCH);
  npmInstall(folder, [...files.map((file) => resolve(file)), `cli-progress@${devDependencies['cli-progress']}`]);
  // What the demonstration is made of.
  cpSync('scripts/demo.mjs', join(folder, 'demo.mjs'));
  cpSync('scripts/soak/server.mjs', join(folder, 'soak/server.mjs'));
}

if (spawnSync(QEMU, ['--version']).error) {
  console.error(`${QEMU} is missing; node scripts/setup.mjs --cross installs it.`);
  process.exit(1);
}
const given = process.argv.slice(2);
const versions = given.length > 0 ? given : ['20'];
const folder = mkdtempSync(join(tmpdir(), 'libmemcached-arm64-'));
let servers;
try {
  const root = debianRoot({
    folder: resolve('.cache/debian', `${ARCH}-bare`),
    suite: 'bookworm',
    arch: ARCH,
    packages: ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'],
  });
  makeProject(folder);
  servers = await startServers(folder);
  for (const version of versions) {
    const node = join(fetchNode(version, ARCH), 'node');
    const run = (...args) =>
      execFileSync(QEMU, ['-L', root, node, ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, ...servers.env, ROUNDS: '4' },
        stdio: ['ignore', 'pipe', 'inherit'],
      }).trim();
    say(`Node ${run('-p', 'process.version + " for " + process.arch')}`);
    for (const script of ['consumer.cjs', 'consumer.mjs', 'workout.mjs', 'tls.mjs']) {
      const output = run(script);
      if (!/^ok: /m.test(output)) throw new Error(`${script} did not say ok:\n${output}`);
      say(`${script}: ${output}`);
    }
    const demo = run('demo.mjs');
    if (!demo.includes('Every value is the one that was stored.')) throw new Error(`The demonstration said:\n${demo}`);
    say(`demo.mjs: ${demo.match(/\d.*(second|stored)\.?$/gm).join(' · ')}`);
  }
  say(`linux-${ARCH}: everything holds, with Node ${versions.join(', ')}.`);
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
} finally {
  await servers?.stop();
  rmSync(folder, { recursive: true, force: true });
}
