import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));

const quietly = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };

/** Where and with what it was measured; without that, figures mean nothing. */
export function describeMachine(memcachedVersion, clients) {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${distribution()}, ${type()} ${release()}`,
    versions: [
      `Node.js ${process.version.slice(1)}`,
      memcachedVersion,
      ...library(),
      ...new Set(clients.map((client) => (client.ours ? ours() : versionOf(client.package)))),
    ],
  };
}

/** The C library under this client and the reference points, where pkg-config knows it. */
function library() {
  try {
    return [`C library libmemcached ${execFileSync('pkg-config', ['--modversion', 'libmemcached'], quietly).trim()}`];
  } catch {
    return [];
  }
}

function ours() {
  const { name, version } = require('../../package.json');
  return `${name} ${version}${commit()}`;
}

function versionOf(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
}

function commit() {
  try {
    const options = { ...quietly, cwd: root };
    const changed = execFileSync('git', ['status', '--porcelain', '--', 'native', 'lib'], options).trim() !== '';
    return ` (${execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim()}${changed ? ', changed' : ''})`;
  } catch {
    return '';
  }
}

function distribution() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))[1];
  } catch {
    return process.platform;
  }
}
