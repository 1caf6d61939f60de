/** What dispatching asks of an operation: its requests, and somebody to take their completions. */

import type { Outcome, Op } from '../addon/record-layout';
import type { Key } from '../options/keys';

/** What a request carries besides its key. */
export interface Payload {
  readonly value: string | Uint8Array;
  readonly flags: number;
  readonly expiry: number;
  readonly minCompressLen: number;
  readonly compressLevel: number;
  /** CAS token or delta: 0 … 2^64-1. A number must be a safe integer. */
  readonly number: number | bigint;
}

/** The result of a request. One object serves all of them: it is valid only while it is being decoded. */
export interface Completion {
  status: number;
  outcome: Outcome;
  /** The index of the server that it was asked of. */
  server: number;
  flags: number;
  /** The value, or libmemcached's message, is `bytes[start … end)`. */
  bytes: Buffer;
  start: number;
  end: number;
  /** Whether `bytes` belongs to this completion alone; otherwise it must be copied to be kept. */
  isOwned: boolean;
  numberLow: number;
  numberHigh: number;
  /** Milliseconds that the operation had. */
  timeout: number;
}

/** An operation in flight: one request, or one for each key. Requests are told apart by their index. */
export interface PendingOperation {
  readonly op: Op;
  /** How many requests it consists of. */
  readonly size: number;
  /** The server's index, for operations without a key; -1: the key decides. */
  readonly server: number;
  /** Takes the listener off the caller's AbortSignal. The operation calls it when it has settled. */
  removeAbortListener: (() => void) | undefined;
  /** Returns the key as it was given, for errors. */
  keyAt(index: number): Key | undefined;
  /** Returns the key as it goes on the wire, not checked yet; undefined for an operation on a server. */
  wireKeyAt(index: number): Key | undefined;
  /** Undefined: the request is its key, and makes a short record. */
  payloadAt(index: number): Payload | undefined;
  /** The records are written: frees the values. */
  releaseArguments(): void;
  complete(completion: Completion, index: number): void;
  fail(error: unknown, index: number): void;
  /** Rejects as a whole; nothing is completed afterwards. */
  abort(reason: unknown): void;
}
