// Debian's packages of another release or architecture, unpacked into a folder beside the system: nothing is installed.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SECURITY = { bookworm: 'bookworm-security', trixie: 'trixie-security' };

export const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';

const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** apt with lists and a status of its own, to which nothing is installed. */
function aptOf(folder, suite, arch) {
  const apt = join(folder, 'apt');
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(apt, name), { recursive: true });
  const source = (uri, name) => `deb [signed-by=${KEYRING}] ${uri} ${name} main\n`;
  const security = SECURITY[suite] ? source(`${MIRROR}-security`, SECURITY[suite]) : '';
  writeFileSync(join(apt, 'sources.list'), source(MIRROR, suite) + security);
  writeFileSync(join(apt, 'status'), '');
  const settings = {
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Status': join(apt, 'status'),
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::Cache::Archives': join(apt, 'archives'),
    'Dir::Cache::PkgCache': '',
    'Dir::Cache::SrcPkgCache': '',
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return (...args) => run('apt-get', '-qq', '--yes', '--no-install-recommends', ...options, ...args);
}

/**
 * A root folder with `packages` and all that they depend on, under `folder`, which keeps them. It is made anew when
 * `packages` has changed; remove `folder` for newer versions.
 */
export function debianRoot({ folder, suite, arch, packages }) {
  const root = join(folder, 'root');
  const stamp = join(folder, 'packages.txt');
  const wanted = `${suite} ${arch}\n${packages.join('\n')}\n`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return root;
  console.log(`Unpacking Debian's packages (${suite}, ${arch}) into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(root, 'usr'), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name));
    symlinkSync(`usr/${name}`, join(root, name)); // as in every Debian since 12; its packages may still have both
  }
  const apt = aptOf(folder, suite, arch);
  apt('update');
  apt('--download-only', 'install', ...packages);
  for (const archive of archives(root)) {
    // tar, because dpkg-deb would replace those links by folders.
    run('sh', '-c', 'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1"', archive, root);
  }
  keepLinksInside(root);
  rmSync(join(folder, 'apt/lists'), { recursive: true });
  writeFileSync(stamp, wanted);
  return root;
}

/** Absolute links would lead out of `root`. */
function keepLinksInside(root) {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = readlinkSync(path);
    if (!isAbsolute(target)) continue;
    rmSync(path);
    symlinkSync(relative(entry.parentPath, join(root, target)), path);
  }
}

/** The package files that `root` was made of. */
export function archives(root) {
  const folder = join(root, '../apt/archives');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(folder, name));
}
