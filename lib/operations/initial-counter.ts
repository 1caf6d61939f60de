/**
 * A counter that is created if it does not exist: incr, then add, and incr once more if somebody else was faster. The
 * protocols have no such operation in common, and what the binary one creates has no flags, so that `get` could not
 * tell that it is a number.
 */

import { Op, operationNames } from '../addon/record-layout';
import type { Completion } from '../dispatch/pending-operation';
import { returnCode } from '../errors';
import { noFallback } from '../observability/fail-soft';
import type { CallOptions } from '../options/call-options';
import { assertKey, badKeyError, ownCopy, withPrefix, type Key } from '../options/keys';
import { inexactError, miss, type Decoders, type Miss } from './decoders';
import { makePayload } from './make-payload';
import { SingleOperation, type Decoder, type Subject } from './operation';
import type { Serializer } from './serialization';
import { now } from '../timing';

/** Rounds of incr and add. One is enough unless the counter is created, or deleted, between two requests. */
const maxRounds = 5;
const notFound = returnCode('NOTFOUND');

export interface InitialCounterOptions {
  op: typeof Op.Incr | typeof Op.Decr;
  key: Key;
  delta: number | bigint;
  initial: number | bigint;
  /** Of the counter that is created. */
  expiry: number;
  /** Whether it resolves to a bigint. */
  bigint: boolean;
}

/** Sends operations that are traced, and fall back, as a whole. */
interface PartExecutor {
  readonly dispatcher: { readonly timeout: number };
  send<R>(operation: SingleOperation<R>, options: CallOptions | undefined, isPart: true): Promise<R>;
}

export class InitialCounter {
  readonly op: typeof Op.Incr | typeof Op.Decr;
  readonly key: Key;
  // As of an operation on one key.
  readonly wireKeys = undefined;
  readonly server = -1;
  readonly #options: InitialCounterOptions;
  readonly #decoders: Decoders;
  readonly #serializer: Serializer;

  constructor(options: InitialCounterOptions, decoders: Decoders, serializer: Serializer) {
    this.op = options.op;
    this.key = options.key;
    this.#options = options;
    this.#decoders = decoders;
    this.#serializer = serializer;
  }

  /** Returns one that may be run later, or twice. @throws TypeError or BadKeyProvided, as the operation's `kept` */
  kept(): InitialCounter {
    assertKey(this.key, operationNames[this.op]);
    const key = ownCopy(this.key);
    if (key.length === 0) throw badKeyError(key, operationNames[this.op], 'it is empty');
    return this.#with(key);
  }

  withPrefix(prefix: string): InitialCounter {
    return this.#with(withPrefix(prefix, this.key));
  }

  #with(key: Key): InitialCounter {
    return new InitialCounter({ ...this.#options, key }, this.#decoders, this.#serializer);
  }

  /** An outage rejects, with `failSoft`, too. */
  wholeFallback(): typeof noFallback {
    return noFallback;
  }

  forgiveParts<R>(result: R): R {
    return result;
  }

  /**
   * Resolves with the new value, or with `initial` if it was created. The first request is sent at once; all of them share
   * one deadline.
   *
   * Rejects with NotFound if the counter is deleted as fast as others create it.
   */
  async run(executor: PartExecutor, options: CallOptions | undefined): Promise<number | bigint> {
    const { op, key, delta, initial, expiry } = this.#options;
    const { timeout = executor.dispatcher.timeout, signal } = options ?? {};
    const deadline = now() + timeout;
    const callLater = (): CallOptions => ({ timeout: Math.max(1, deadline - now()), signal });
    let call = options;
    for (let round = 1; ; ++round) {
      const decode = round === maxRounds ? this.#decoder() : this.#decoderOrMiss();
      const adjust = new SingleOperation(op, key, decode, noFallback, makePayload('', 0, 0, delta));
      const value = await executor.send(adjust, call, true);
      if (value !== miss) return value;
      call = callLater();
      const payload = makePayload(String(initial), this.#serializer.flagsOfDigits(BigInt(initial)), expiry);
      const create = new SingleOperation(Op.Add, key, this.#decoders.stored, noFallback, payload);
      if (await executor.send(create, call, true)) return this.#initialValue();
      call = callLater();
    }
  }

  #decoder(): Decoder<number | bigint> {
    return this.#options.bigint ? this.#decoders.exactCounter : this.#decoders.counter;
  }

  #decoderOrMiss(): Decoder<number | bigint | Miss> {
    const decode = this.#decoder();
    return (completion: Completion, subject: Subject) =>
      completion.status === notFound ? miss : decode(completion, subject);
  }

  #initialValue(): number | bigint {
    const { bigint: asBigInt, initial } = this.#options;
    if (asBigInt) return BigInt(initial);
    const number = Number(initial);
    if (Number.isSafeInteger(number)) return number;
    throw inexactError(BigInt(initial), this);
  }
}
