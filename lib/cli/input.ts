/** Standard input. */

import { fstatSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';

/** Node reads a directory as nothing at all. @throws Error if there is nothing that can be read */
export function assertReadable(): void {
  if (fstatSync(0).isDirectory()) throw new Error('standard input is a directory');
}

/** All of it. */
export function readInput(): Promise<Buffer> {
  assertReadable();
  return buffer(process.stdin);
}
