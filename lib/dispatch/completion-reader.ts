/** Completions as the native side writes them: records in an array that all clients of this thread share. */

import { Outcome, completionWords, inBlock, outcomeMask, serverShift } from '../addon/record-layout';
import type { Completion } from './pending-operation';

// They are read while they are being delivered, so one pair of arrays serves all clients of a thread.
export const sharedRecords = new Uint32Array(1024 * completionWords);
export const sharedBytes = Buffer.from(new ArrayBuffer(512 * 1024));

export function makeCompletion(): Completion {
  return {
    status: 0,
    outcome: Outcome.Definite,
    server: 0,
    flags: 0,
    bytes: sharedBytes,
    start: 0,
    end: 0,
    isOwned: false,
    numberLow: 0,
    numberHigh: 0,
    timeout: 0,
  };
}

export function slotAt(record: number): number {
  return sharedRecords[record * completionWords] as number;
}

export function statusAt(record: number): number {
  return (sharedRecords[record * completionWords + 1] as number) | 0;
}

/** Fills `completion`. `blocks`: the large values that did not fit into the shared bytes. */
export function readCompletion(completion: Completion, record: number, blocks: readonly Buffer[] | undefined): void {
  const words = sharedRecords;
  const at = record * completionWords;
  const kind = words[at + 2] as number;
  const offset = words[at + 4] as number;
  const isOwned = (kind & inBlock) !== 0;
  const start = isOwned ? 0 : offset;
  completion.status = (words[at + 1] as number) | 0;
  completion.outcome = (kind & outcomeMask) as Outcome;
  completion.server = kind >>> serverShift;
  completion.flags = words[at + 3] as number;
  completion.isOwned = isOwned;
  completion.bytes = isOwned ? ((blocks as readonly Buffer[])[offset] as Buffer) : sharedBytes;
  completion.start = start;
  completion.end = start + (words[at + 5] as number);
  completion.numberLow = words[at + 6] as number;
  completion.numberHigh = words[at + 7] as number;
}
