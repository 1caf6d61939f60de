// A bare Debian in a folder, with node and npm copied into it, and commands that run in there.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { headers } from '../headers.mjs';

/**
 * Whatever runs as root in a tree has mounts of its own (a namespace), which end with it, however it ends: there is
 * nothing to unmount, and nothing that a later removal of the tree could reach into. --kill-child: it ends with us.
 */
const NAMESPACE = ['unshare', '--mount', '--propagation', 'private', '--kill-child', '--'];

const CERTIFICATES = '/etc/ssl/certs/extra.pem';

export class Tree {
  #env;

  constructor(path) {
    this.path = path;
    this.#env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LANG: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
      npm_config_update_notifier: 'false',
      npm_config_fund: 'false',
      npm_config_audit: 'false',
    };
  }

  /** Debian's packages that are marked essential, apt, and those in `include`. */
  async bootstrap({ suite, mirror, include = [], cache }) {
    mkdirSync(cache, { recursive: true });
    const more = include.length > 0 ? [`--include=${include.join()}`] : [];
    const command = ['debootstrap', '--variant=minbase', `--cache-dir=${cache}`, ...more, suite, this.path, mirror];
    const { status, output } = await collect([...NAMESPACE, ...command]);
    if (status !== 0) throw new Error(`${command.join(' ')} failed:\n${output}`);
    // The network is the machine's.
    for (const file of ['/etc/resolv.conf', '/etc/hosts']) if (existsSync(file)) this.#copy(file, file);
    writeFileSync(join(this.path, 'etc/apt/apt.conf.d/90unattended'), 'APT::Get::Assume-Yes "true";\n');
  }

  /** This very node, and the npm that came with it. */
  addNode({ npm, registry }) {
    this.#copy(process.execPath, '/usr/bin/node');
    chmodSync(join(this.path, 'usr/bin/node'), 0o755);
    cpSync(npm, join(this.path, 'usr/lib/node_modules/npm'), { recursive: true, dereference: true });
    for (const name of ['npm', 'npx']) {
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(this.path, 'usr/bin', name));
    }
    this.#env.npm_config_registry = registry;
    const { NODE_EXTRA_CA_CERTS } = process.env;
    if (NODE_EXTRA_CA_CERTS) {
      this.#copy(NODE_EXTRA_CA_CERTS, CERTIFICATES);
      this.#env.NODE_EXTRA_CA_CERTS = CERTIFICATES;
    }
  }

  /** What node-gyp would download, if this machine has it. */
  addHeaders() {
    const prefix = headers();
    if (!prefix) return;
    cpSync(join(prefix, 'include/node'), join(this.path, 'usr/include/node'), { recursive: true });
    this.#env.npm_config_nodedir = '/usr';
  }

  clone(path) {
    const { status } = spawnSync('cp', ['-a', '--reflink=auto', this.path, path], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${this.path} could not be copied.`);
    const tree = new Tree(path);
    tree.#env = { ...this.#env };
    return tree;
  }

  file(path, content) {
    const target = join(this.path, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }

  /** Runs a shell command in the tree; resolves to { status, output } (both streams). */
  run(command, { cwd = '/root', env = {} } = {}) {
    const inside = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c \'cd "$0" && eval "$1"\' "$1" "$2"';
    return collect([...NAMESPACE, 'sh', '-c', inside, this.path, cwd, command], { ...this.#env, ...env });
  }

  /** As run(), but a failure is an error; resolves to the output. */
  async must(command, options) {
    const { status, output } = await this.run(command, options);
    if (status !== 0) throw new Error(`In the tree, ${command} failed (${status}):\n${output}`);
    return output;
  }

  remove() {
    // A second line of defence: nothing is mounted there.
    const { status } = spawnSync('rm', ['-rf', '--one-file-system', this.path], { stdio: 'inherit' });
    if (status !== 0) rmSync(this.path, { recursive: true, force: true });
  }

  #copy(from, to) {
    mkdirSync(dirname(join(this.path, to)), { recursive: true });
    copyFileSync(from, join(this.path, to));
  }
}

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

async function collect([command, ...args], env = process.env) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  children.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  }).finally(() => children.delete(child));
}
