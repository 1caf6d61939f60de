/** One operation in flight, and how its reply is read. */

import type { Key } from './keys';
import { type Outcome, type Op } from './wire';

/** A completion, as it lies in the shared arrays. Reused: valid only while it is being read. */
export interface Reply {
  status: number;
  outcome: Outcome;
  /** Of a failure: the server's index. */
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

/** Turns a reply into the operation's result. Throws the operation's error. */
export type Decoder = (reply: Reply, operation: Operation) => unknown;

/** Several operations that settle as one: a multi-get and its kin. */
export interface Group {
  done(index: number, result: unknown): void;
  failed(index: number, error: unknown): void;
}

type Settle = (value: unknown) => void;

// A promise's functions are caught by one function that is made once, not by a closure for each operation.
let caughtResolve: Settle | undefined;
let caughtReject: Settle | undefined;
const catchSettlers = (resolve: Settle, reject: Settle): void => {
  caughtResolve = resolve;
  caughtReject = reject;
};

export class Operation {
  readonly op: Op;
  /** As it was given, for results and errors. */
  readonly key: Key | undefined;
  readonly decode: Decoder;
  /** What the decoder needs beside the reply: a default, whether a bigint is wanted. */
  readonly extra: unknown;
  /** Of operations without a key: the server. */
  readonly server: number;
  readonly group: Group | undefined;
  readonly index: number;
  /** As it goes on the wire: with a multi's prefix. */
  wireKey: Key | undefined;
  /** Reads under `num_replicas`: how many servers after the key's own it was sent to. */
  replica: number;
  /** Takes the listener off an AbortSignal. */
  detach: (() => void) | undefined;
  #resolve: Settle | undefined;
  #reject: Settle | undefined;

  constructor(
    op: Op,
    key: Key | undefined,
    decode: Decoder,
    extra: unknown,
    group: Group | undefined,
    index: number,
    server: number,
  ) {
    this.op = op;
    this.key = key;
    this.decode = decode;
    this.extra = extra;
    this.group = group;
    this.index = index;
    this.server = server;
    this.wireKey = key;
    this.replica = 0;
    this.detach = undefined;
    this.#resolve = undefined;
    this.#reject = undefined;
  }

  /** The operation's own promise; not for members of a group. */
  promise(): Promise<unknown> {
    const promise = new Promise<unknown>(catchSettlers);
    this.#resolve = caughtResolve;
    this.#reject = caughtReject;
    // Or they would keep the last operation's result alive until the next operation.
    caughtResolve = undefined;
    caughtReject = undefined;
    return promise;
  }

  complete(reply: Reply): void {
    let result: unknown;
    try {
      result = this.decode(reply, this);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.group === undefined) this.#resolve?.(result);
    else this.group.done(this.index, result);
  }

  fail(error: unknown): void {
    if (this.group === undefined) this.#reject?.(error);
    else this.group.failed(this.index, error);
  }
}
