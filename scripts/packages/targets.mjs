// The systems with a package of their own, whose binary the main package loads (lib/addon/binary.ts).

import { readFileSync } from 'node:fs';

export const SCOPE = '@libmemcached';
/** Everything that is published is put together here. */
export const FOLDER = 'packages';

/** cpu and libc as npm writes them. */
export const TARGETS = JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8'));

export function targetOf(cpu, libc) {
  const target = TARGETS.find((each) => each.cpu === cpu && each.libc === libc);
  if (!target) throw new Error(`There is no package for linux-${cpu} (${libc}).`);
  return target;
}
