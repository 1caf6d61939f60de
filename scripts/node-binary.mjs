// Other versions of Node than the one that runs this, and for other architectures: their binaries, from npm.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folder with `node`, the newest that `version` allows, as npm understands it; it is kept in .cache/nodes. */
export function fetchNode(version, arch = process.arch) {
  const folder = join(process.cwd(), '.cache/nodes', arch === process.arch ? version : `${arch}-${version}`);
  // Not "node" itself: all that one does is to fetch this package in an install script.
  const name = `node-${process.platform}-${arch}`;
  // npm installs what is for another system only by force.
  const elsewhere = arch === process.arch ? [] : ['--force', `--cpu=${arch}`];
  mkdirSync(folder, { recursive: true });
  execFileSync(
    'npm',
    [
      ...['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--silent'],
      ...[...elsewhere, `${name}@${version}`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return join(folder, 'node_modules', name, 'bin');
}
