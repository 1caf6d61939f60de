/** One operation: what was asked, and the promise that its completion settles. */

import { operationNames, type Op } from '../addon/record-layout';
import type { Completion, Payload, PendingOperation } from '../dispatch/pending-operation';
import type { noFallback, Forgiving } from '../observability/fail-soft';
import {
  assertKey,
  badKeyError,
  isInternal,
  ownCopy,
  whyInternal,
  withPrefix,
  type Key,
  type KeyLimits,
} from '../options/keys';

/** What a decoder may ask about the operation whose completion it reads. */
export interface Subject {
  readonly op: Op;
  /** As it was given, for results and errors. */
  readonly key: Key | undefined;
  /** What it resolves to on a miss, where that is the caller's choice, and instead of an outage under `failSoft`. */
  readonly fallback: unknown;
}

/** Turns a completion into the operation's result. Throws the operation's error. */
export type Decoder<R> = (completion: Completion, subject: Subject) => R;

/** Something that a caller asked for: for one key, for many, or of one server. */
export interface Operation<R> extends PendingOperation, Forgiving<R> {
  /** One key; undefined for many, or for a server. */
  readonly key: Key | undefined;
  /** Many keys, as they go on the wire. */
  readonly wireKeys: readonly Key[] | undefined;
  /**
   * Begins it, once: returns the promise that it settles.
   *
   * @throws TypeError for a key that is none; TypeError or BadKeyProvided for keys of which none may be sent if one is bad
   */
  begin(limits: KeyLimits): Promise<R>;
  /**
   * Returns one that may be begun later, or twice: the caller's bytes are copied.
   *
   * @throws TypeError or BadKeyProvided for a key that is bad with any prefix
   */
  kept(): Operation<R>;
  /** Returns one for the same keys behind a prefix. */
  withPrefix(prefix: string): Operation<R>;
  /** Returns the errors of an operation on many keys. */
  partErrors(result: R): readonly unknown[];
}

type Settle = (value: unknown) => void;

// A promise's functions are caught by one function that is made once, not by a closure for each operation.
let caughtResolve: Settle | undefined;
let caughtReject: Settle | undefined;
const catchSettlers = (resolve: Settle, reject: Settle): void => {
  caughtResolve = resolve;
  caughtReject = reject;
};

/** An operation on one key or one server. */
export class SingleOperation<R> implements Operation<R>, Subject {
  readonly op: Op;
  readonly size = 1;
  readonly server: number;
  readonly fallback: R | typeof noFallback;
  readonly wireKeys = undefined;
  removeAbortListener: (() => void) | undefined;
  /** Whether the key is one of the client's own. */
  protected readonly isInternal: boolean = false;
  readonly #decode: Decoder<R>;
  #key: Key | undefined;
  #payload: Payload | undefined;
  #resolve: Settle | undefined;
  #reject: Settle | undefined;

  /** `server`: the index of the one that it is for, if it has no key. */
  constructor(
    op: Op,
    key: Key | undefined,
    decode: Decoder<R>,
    fallback: R | typeof noFallback,
    payload?: Payload,
    server = -1,
  ) {
    this.op = op;
    this.server = server;
    this.fallback = fallback;
    this.removeAbortListener = undefined;
    this.#decode = decode;
    this.#key = key;
    this.#payload = payload;
    this.#resolve = undefined;
    this.#reject = undefined;
  }

  get key(): Key | undefined {
    return this.#key;
  }

  begin(): Promise<R> {
    if (this.server < 0) {
      const key = (this.#key = this.#ownKey());
      if (!this.isInternal && isInternal(key)) throw badKeyError(key, operationNames[this.op], whyInternal);
    }
    const promise = new Promise<R>(catchSettlers as (resolve: (value: R) => void, reject: Settle) => void);
    this.#resolve = caughtResolve;
    this.#reject = caughtReject;
    // Or they would keep the last operation's result alive until the next operation.
    caughtResolve = undefined;
    caughtReject = undefined;
    return promise;
  }

  /** Of bytes a copy, which nobody else can change, and which says the truth of itself. @throws TypeError */
  #ownKey(): Key {
    const key = this.#key;
    if (typeof key === 'string') return key; // checked when it is written
    assertKey(key, operationNames[this.op]);
    return ownCopy(key);
  }

  kept(): SingleOperation<R> {
    assertKey(this.#key, operationNames[this.op]);
    const key = this.#ownKey();
    // With a prefix it would be the prefix's own.
    if (key.length === 0) throw badKeyError(key, operationNames[this.op], 'it is empty');
    const payload = this.#payload;
    return this.#with(key, payload === undefined ? payload : { ...payload, value: ownCopy(payload.value) });
  }

  withPrefix(prefix: string): SingleOperation<R> {
    return this.#with(withPrefix(prefix, this.#key ?? ''), this.#payload);
  }

  #with(key: Key, payload: Payload | undefined): SingleOperation<R> {
    return new SingleOperation(this.op, key, this.#decode, this.fallback, payload, this.server);
  }

  wholeFallback(): R | typeof noFallback {
    return this.fallback;
  }

  partErrors(): readonly unknown[] {
    return [];
  }

  forgiveParts(result: R): R {
    return result;
  }

  keyAt(): Key | undefined {
    return this.#key;
  }

  wireKeyAt(): Key | undefined {
    return this.#key;
  }

  payloadAt(): Payload | undefined {
    return this.#payload;
  }

  releaseArguments(): void {
    this.#payload = undefined;
  }

  complete(completion: Completion): void {
    let result: R;
    try {
      result = this.#decode(completion, this);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.removeAbortListener?.();
    this.#resolve?.(result);
  }

  fail(error: unknown): void {
    this.removeAbortListener?.();
    this.#reject?.(error);
  }

  abort(reason: unknown): void {
    this.#reject?.(reason);
  }
}

/** An operation on a key of the client's own, which callers' keys cannot be. */
export class InternalOperation<R> extends SingleOperation<R> {
  protected override readonly isInternal = true;
}
