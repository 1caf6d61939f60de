// What this process uses, as the kernel counts it.

import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';

export function usage() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  // Less the one that reads the folder.
  const descriptors = readdirSync('/proc/self/fd').length - 1;
  return { threads: number('Threads'), descriptors, megabytes: number('VmRSS') / 1024 };
}

/** Node starts its own thread pool at the first use, and opens its streams. */
export async function settleIn() {
  await Promise.all(Array.from({ length: 16 }, () => stat('/')));
  void process.stdout.writable;
  void process.stderr.writable;
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until no more threads and descriptors are in use than `before`, collecting garbage; at most 5 s. */
export async function backTo(before) {
  const until = Date.now() + 5000;
  for (;;) {
    globalThis.gc();
    await sleep(20);
    const now = usage();
    const isBack = now.threads <= before.threads && now.descriptors <= before.descriptors;
    if (isBack || Date.now() > until) return now;
  }
}
