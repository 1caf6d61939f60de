// What the process uses, and the verdict on its memory.

import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const MB = 2 ** 20;
/** RSS may grow by so much between the two windows: what the garbage collector and malloc leave lying about. */
const TOLERANCE = { share: 0.1, bytes: 8 * MB };

export function usage() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return {
    rss: number('VmRSS') * 1024,
    heap: process.memoryUsage().heapUsed,
    threads: number('Threads'),
    // Less the one that reads the folder.
    descriptors: readdirSync('/proc/self/fd').length - 1,
  };
}

/** Before anything is compared: Node starts its own thread pool at the first use, and opens its streams. */
export async function settleIn() {
  await Promise.all(Array.from({ length: 16 }, () => stat('/')));
  void process.stdout.writable;
  void process.stderr.writable;
}

export function megabytes(bytes) {
  return `${(bytes / MB).toFixed(0)} MB`;
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/**
 * The rule: the first quarter of the run is the warm-up. The median of RSS in the last quarter must not exceed the median
 * in the second quarter by more than a tenth and 8 MB.
 */
export function judgeMemory(samples) {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 3) return { isFlat: true, text: 'memory: the run was too short to tell' };
  const before = median(samples.slice(quarter, 2 * quarter));
  const after = median(samples.slice(-quarter));
  const limit = before * (1 + TOLERANCE.share) + TOLERANCE.bytes;
  return {
    isFlat: after <= limit,
    text: `memory: ${megabytes(before)} in the second quarter, ${megabytes(after)} in the last; at most ${megabytes(limit)} is flat`,
  };
}
