// Modification times, to build only what is out of date.

import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** When `path` (of a folder: its newest file) was last changed; 0 if there is no such thing. */
export function changed(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  // The folder's own time as well: it changes when a file is removed.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name))));
}

export function isStale(target, sources) {
  return sources.some((source) => changed(source) > changed(target));
}

/** Builds `target` if it is stale or the command line has `--force`. */
export async function buildIfStale(target, sources, build) {
  if (!process.argv.includes('--force') && !isStale(target, sources)) return;
  const start = new Date();
  await build();
  // Dated back to the start: what is edited during the build belongs to the next one. (And forward, where the build
  // found nothing to do.)
  if (existsSync(target)) utimesSync(target, start, start);
}
