/** What a user reads when there is no binary of the addon for this machine, or when it cannot be loaded. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What of the machine decides which binary fits. */
export interface Machine {
  platform: string;
  arch: string;
  /** 'glibc 2.36', 'musl', or empty where there is only one. */
  libc: string;
  node: string;
  /** As in /etc/os-release: the distribution, then those that it is like. 'darwin' on macOS. */
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
  if (process.platform !== 'linux') return [process.platform];
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

/** The prebuilt binaries in `folder` as a list: 'linux-x64 (glibc)', 'darwin-arm64'. */
function prebuilds(folder: string): string[] {
  const root = path.join(folder, 'prebuilds');
  return (attempt(() => readdirSync(root)) ?? []).flatMap((tuple) =>
    (attempt(() => readdirSync(path.join(root, tuple))) ?? [])
      .filter((name) => name.endsWith('.node'))
      .map((name) => {
        const libc = /\.(glibc|musl)\./.exec(name)?.[1];
        return libc === undefined ? tuple : `${tuple} (${libc})`;
      }),
  );
}

function installCommands(folder: string, machine: Machine): string[] {
  // Beside native/ in the package.
  const file = path.join(folder, '..', 'deps', 'system-packages.json');
  const all = attempt(() => JSON.parse(readFileSync(file, 'utf8')) as SystemPackages[]) ?? [];
  const here = machine.systems
    .map((system) => all.find(({ ids }) => ids.includes(system)))
    .find((packages) => packages !== undefined);
  return here ? [here.command] : all.map(({ name, command }) => `${command}   (${name})`);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

/** What node-gyp-build says when it sees no binary; it does not say why. */
const isUnseen = (cause: unknown): boolean => firstLine(cause).startsWith('No native build was found');

/** Why this process must not use a binary, and how it may: it is no use to build one. Undefined if that is not the reason. */
function prohibition(folder: string, cause: unknown): string[] | undefined {
  const error = cause as (NodeJS.ErrnoException & { resource?: unknown }) | undefined;
  if (error?.code === 'ERR_DLOPEN_DISABLED')
    return [
      `libmemcached: this process must not load native addons: ${firstLine(error)}`,
      'permission' in process
        ? 'Node was started with the permission model: add --allow-addons (since Node 22; Node 20 has no such option).'
        : 'Node was started with --no-addons: leave that out.',
    ];
  // node-gyp-build looks there, too, and takes what it must not read for nothing at all.
  const denied = error?.code === 'ERR_ACCESS_DENIED' ? error : isUnseen(cause) ? readingError(folder) : undefined;
  if (denied === undefined || denied.code === 'ENOENT') return undefined;
  const resource = 'resource' in denied && typeof denied.resource === 'string' ? denied.resource : folder;
  return [
    `libmemcached: this process must not read ${resource}: ${firstLine(denied)}`,
    denied.code === 'ERR_ACCESS_DENIED'
      ? 'Node was started with the permission model: add ' +
        [...new Set([resource, path.join(folder, '..', '*')])]
          .map((file) => `--allow-fs-read=${quote(file)} `)
          .join('') +
        'and --allow-addons.'
      : 'Give its user the permission to read that folder, and what is in it.',
  ];
}

function readingError(folder: string): NodeJS.ErrnoException | undefined {
  try {
    readdirSync(folder);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** `folder` is the package's native/; `cause` what node-gyp-build, the dynamic linker or the addon said. */
export function missingBinaryError(folder: string, cause: unknown, machine: Machine = thisMachine()): Error {
  const lines = prohibition(folder, cause) ?? whatIsMissing(folder, cause, machine);
  return Object.assign(new Error(lines.join('\n'), { cause }), { code: 'ERR_MEMCACHED_NO_BINARY' });
}

function whatIsMissing(folder: string, cause: unknown, machine: Machine): string[] {
  const { platform, arch, node } = machine;
  const wanted = [`${platform}-${arch}`, machine.libc, `Node ${node}`].filter(Boolean).join(', ');
  const present = prebuilds(folder);
  const lines = [
    isUnseen(cause)
      ? `libmemcached: there is no binary for ${wanted}.`
      : `libmemcached: the binary for ${wanted} cannot be loaded: ${firstLine(cause)}`,
    `Looked in: ${folder}`,
    `  build/Release, build/Debug   built on this machine`,
    `  prebuilds                    ${present.length > 0 ? `there: ${present.join(', ')}` : 'none there'}`,
    '',
  ];
  if (readingError(folder)?.code === 'ENOENT')
    lines.push('That folder does not exist. If your program is bundled, mark libmemcached as external.', '');
  if (platform === 'win32') {
    lines.push('libmemcached, the C library, does not run on Windows; use WSL or a container.');
  } else {
    lines.push(
      'If node_modules was copied from another system, install it again on this one. Otherwise build the addon here:',
      ...installCommands(folder, machine).map((command) => `  ${command}`),
      `  npx node-gyp@12 rebuild -C ${quote(folder)}`,
      'It needs libmemcached 1.1.4 or newer. More: "Building from source" in the README.',
    );
  }
  return lines;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
