/** What a user reads when there is no binary of the addon for this machine, or when it cannot be loaded. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../package-root';

/** What of the machine decides which binary fits. */
export interface Machine {
  platform: string;
  arch: string;
  /** 'glibc 2.36', 'musl', or empty where there is only one. */
  libc: string;
  node: string;
  /** As in /etc/os-release: the distribution, then those that it is like. */
  systems: readonly string[];
}

interface SystemPackages {
  name: string;
  ids: readonly string[];
  command: string;
}

export function thisMachine(): Machine {
  const { platform, arch } = process;
  return { platform, arch, libc: libc(), node: process.versions.node, systems: systems() };
}

function libc(): string {
  if (process.platform !== 'linux') return '';
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

function systems(): string[] {
  const text = attempt(() => readFileSync('/etc/os-release', 'utf8')) ?? '';
  return ['ID', 'ID_LIKE'].flatMap(
    (field) => new RegExp(`^${field}=(.*)$`, 'm').exec(text)?.[1]?.match(/[\w-]+/g) ?? [],
  );
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Not in a bundle, whose folder can be any. */
function isPackage(root: string): boolean {
  const text = attempt(() => readFileSync(path.join(root, 'package.json'), 'utf8'));
  return text !== undefined && (JSON.parse(text) as { name?: unknown }).name === 'libmemcached';
}

/** The platform packages that are installed: beside this one, or in it. */
function installed(root: string): string[] {
  const folders = [path.dirname(root), path.join(root, 'node_modules')].map((folder) => path.join(folder, scope));
  return folders.flatMap((folder) => attempt(() => readdirSync(folder)) ?? []).map((name) => `${scope}/${name}`);
}

/** Where binding.gyp is: in the repository its root, in the published package a folder of its own. */
function sourceFolder(root: string): string {
  const folder = path.join(root, 'source');
  return existsSync(folder) ? folder : root;
}

function installCommands(folder: string, machine: Machine): string[] {
  const file = path.join(folder, 'deps', 'system-packages.json');
  const all = attempt(() => JSON.parse(readFileSync(file, 'utf8')) as SystemPackages[]) ?? [];
  const here = machine.systems
    .map((system) => all.find(({ ids }) => ids.includes(system)))
    .find((packages) => packages !== undefined);
  return here ? [here.command] : all.map(({ name, command }) => `${command}   (${name})`);
}

function buildInstructions(root: string, machine: Machine): string[] {
  const folder = sourceFolder(root);
  return [
    ...installCommands(folder, machine).map((command) => `  ${command}`),
    `  npx node-gyp@12 rebuild -C ${quote(folder)}`,
    'It needs libmemcached 1.1.4 or newer. More: docs/installation.md.',
  ];
}

const scope = '@libmemcached';
const published = /^linux-(x64|arm64)-(gnu|musl)$/;

/**
 * Why a binary cannot be seen that may well be there: it is no use to install or to build one. Undefined if that is not the
 * reason.
 */
function unreadable(name: string, root: string): string[] | undefined {
  const folders = [root, path.join(path.dirname(root), scope, name)];
  const { permission } = process as { permission?: { has(scope: string, reference: string): boolean } };
  const denied = folders.filter((folder) => permission?.has('fs.read', folder) === false);
  if (denied.length > 0)
    return [
      `libmemcached: this process must not read ${denied.join(' and ')}.`,
      `Node was started with the permission model: add ${denied.map((folder) => `--allow-fs-read=${quote(`${folder}/*`)} `).join('')}and --allow-addons.`,
    ];
  const error = folders.map(readingError).find((each) => each !== undefined && each.code !== 'ENOENT');
  return error && [`libmemcached: its binary cannot be looked for: ${error.message}`];
}

function readingError(folder: string): NodeJS.ErrnoException | undefined {
  try {
    readdirSync(folder);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** `name` is the package's that would fit, without the scope. */
export function missingBinaryError(name: string, root = packageRoot, machine = thisMachine()): Error {
  const reason = unreadable(name, root);
  if (reason !== undefined) return coded(reason);
  const { platform, node } = machine;
  const here = [`${platform}-${machine.arch}`, machine.libc, `Node ${node}`].filter(Boolean).join(', ');
  if (platform !== 'linux') {
    return coded([
      `libmemcached: it runs on Linux only, not on ${here}.`,
      platform === 'win32' ? 'Use WSL or a container.' : 'Use a container.',
    ]);
  }
  if (!isPackage(root)) {
    return coded([
      'libmemcached: it has been bundled, without its binary. Mark it as external, so that it is loaded from node_modules:',
      '  esbuild    --external:libmemcached',
      "  webpack    externals: { libmemcached: 'commonjs libmemcached' }",
      "  Next       serverExternalPackages: ['libmemcached']",
      `(This is ${here}; looked in ${root}.)`,
    ]);
  }
  const build = buildInstructions(root, machine);
  if (!published.test(name)) return coded([`libmemcached: there is no binary for ${here}. Build it:`, ...build]);
  const others = installed(root);
  return coded([
    `libmemcached: the package ${scope}/${name}, the binary for this machine (${here}), is not installed.`,
    ...(others.length > 0 ? [`There is: ${others.join(', ')}`] : []),
    'It comes with libmemcached as an optional dependency. Why it may be missing:',
    '  It was left out: npm install --omit=optional, --no-optional, or "omit" in .npmrc.',
    '  The lock file was made on another system and names only its package: remove it and node_modules, install again.',
    '  node_modules was copied from another system, or into an image of another: install there instead.',
    'Or build it here:',
    ...build,
  ]);
}

/** In place of what they do themselves when the addon calls libuv: end the process. (Deno 2.9 and Bun 1.4 were tried.) */
export function otherRuntimeError(runtime: string): Error {
  return coded([
    `libmemcached: it runs on Node.js, not on ${runtime}: its binary needs libuv's functions, which only Node.js has. Use Node.js.`,
  ]);
}

/** `what` is there, but Node or the dynamic linker refuses it. */
export function unloadableBinaryError(what: string, cause: unknown): Error {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
  return coded([`libmemcached: ${what} cannot be loaded: ${reason}`, ...remedy(cause)], cause);
}

function remedy(cause: unknown): string[] {
  const { code, resource } = (cause ?? {}) as { code?: unknown; resource?: unknown };
  const isConfined = 'permission' in process;
  if (code === 'ERR_DLOPEN_DISABLED')
    return [
      isConfined
        ? 'Node was started with the permission model: add --allow-addons (since Node 22; Node 20 has no such option).'
        : 'Node was started with --no-addons: leave that out.',
    ];
  if (code === 'ERR_ACCESS_DENIED' && typeof resource === 'string')
    return [`Node was started with the permission model: add --allow-fs-read=${quote(resource)}.`];
  return [];
}

function coded(lines: readonly string[], cause?: unknown): Error {
  const options = cause === undefined ? {} : { cause };
  return Object.assign(new Error(lines.join('\n'), options), { code: 'ERR_MEMCACHED_NO_BINARY' });
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
