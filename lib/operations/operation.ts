/** One operation in flight, and how its reply is read. */

import type { Key } from '../options/keys';
import { type Outcome, type Op } from '../addon/record-layout';

/** A completion, as it lies in the shared arrays. Reused: valid only while it is being read. */
export interface Reply {
  status: number;
  outcome: Outcome;
  /** The index of the server that it was asked of. */
  server: number;
  flags: number;
  /** The value, or libmemcached's message, is `bytes[start … end)`. */
  bytes: Buffer;
  start: number;
  end: number;
  /** Whether `bytes` is this reply's alone; else it must be copied to be kept. */
  isOwned: boolean;
  numberLow: number;
  numberHigh: number;
}

/** What a decoder may ask about the operation whose reply it reads. */
export interface Subject {
  readonly op: Op;
  /** As it was given, for results and errors. */
  readonly key: Key | undefined;
  /** What the decoder needs beside the reply: a default, whether a bigint is wanted. */
  readonly extra: unknown;
}

/** Turns a reply into the operation's result. Throws the operation's error. */
export type Decoder = (reply: Reply, subject: Subject) => unknown;

/**
 * Who waits for the completion of a slot: an operation, or all members of a multi-operation in one object, which is
 * told which member it is.
 */
export interface Waiter {
  readonly op: Op;
  /** Of operations without a key: the server's index. */
  readonly server: number;
  /** Takes the listener off an AbortSignal. */
  detach: (() => void) | undefined;
  keyOf(member: number): Key | undefined;
  /** As it goes on the wire: with a multi's prefix. */
  wireKeyOf(member: number): Key | undefined;
  complete(reply: Reply, member: number): void;
  fail(error: unknown, member: number): void;
}

type Settle = (value: unknown) => void;

// A promise's functions are caught by one function that is made once, not by a closure for each operation.
let caughtResolve: Settle | undefined;
let caughtReject: Settle | undefined;
const catchSettlers = (resolve: Settle, reject: Settle): void => {
  caughtResolve = resolve;
  caughtReject = reject;
};

/** One operation with a promise of its own. */
export class Operation implements Waiter, Subject {
  readonly op: Op;
  readonly key: Key | undefined;
  readonly extra: unknown;
  readonly server: number;
  detach: (() => void) | undefined;
  readonly #decode: Decoder;
  #resolve: Settle | undefined;
  #reject: Settle | undefined;

  constructor(op: Op, key: Key | undefined, decode: Decoder, extra: unknown, server: number) {
    this.op = op;
    this.key = key;
    this.extra = extra;
    this.server = server;
    this.detach = undefined;
    this.#decode = decode;
    this.#resolve = undefined;
    this.#reject = undefined;
  }

  promise(): Promise<unknown> {
    const promise = new Promise<unknown>(catchSettlers);
    this.#resolve = caughtResolve;
    this.#reject = caughtReject;
    // Or they would keep the last operation's result alive until the next operation.
    caughtResolve = undefined;
    caughtReject = undefined;
    return promise;
  }

  keyOf(): Key | undefined {
    return this.key;
  }

  wireKeyOf(): Key | undefined {
    return this.key;
  }

  complete(reply: Reply): void {
    let result: unknown;
    try {
      result = this.#decode(reply, this);
    } catch (error) {
      this.#reject?.(error);
      return;
    }
    this.#resolve?.(result);
  }

  fail(error: unknown): void {
    this.#reject?.(error);
  }
}
