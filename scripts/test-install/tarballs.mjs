// The packed files to install: the main package's and the platform's.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, targetOf } from '../packages/targets.mjs';

export function tarballs(arch, libc = 'glibc') {
  const node = (...args) => execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  node('scripts/prebuild.mjs', `--arch=${arch}`);
  node('scripts/packages.mjs');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const { name } = targetOf(arch, libc);
  return {
    files: ['libmemcached', `libmemcached-${name}`].map((file) => join(FOLDER, `${file}-${version}.tgz`)),
    platform: `@libmemcached/${name}`,
  };
}
