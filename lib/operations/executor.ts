/** One key, one operation: from checked arguments to a promise. */

import {
  checkCounterOptions,
  checkDelta,
  checkStoreOptions,
  compressParts,
  serializedParts,
  type CounterOptions,
  type StoreOptions,
} from './arguments';
import type { Codec, Serialized } from '../codecs/codec';
import { describeForServer, describeOne } from './operation-context';
import type { CallOptions } from '../options/call-options';
import type { Dispatcher } from '../dispatch/dispatcher';
import type { TimeArg } from '../options/expiry';
import { countFrom, type InitialCounter } from './initial-counter';
import { assertKey, ownCopy, type Key } from '../options/keys';
import { Operation, type Decoder } from './operation';
import type { Decoders } from './decoders';
import { isOutage, publishFailure } from '../observability/fail-soft';
import { isTraced, traced } from '../observability/tracing';
import { plainDetails, type Details } from '../dispatch/submission-buffer';
import { type Op, operationNames } from '../addon/record-layout';

export interface RequestsOptions {
  dispatcher: Dispatcher;
  decoders: Decoders;
  codec: Codec;
  /** Undefined: the default codec, without a detour over the client's `serialize`. */
  serialize: ((value: unknown) => Serialized) | undefined;
  servers: number;
  failSoft: boolean;
  /** Sent by calls that have begun already: a client that is closing still takes them. */
  isFollowUp: boolean;
}

export class Requests {
  readonly dispatcher: Dispatcher;
  readonly decoders: Decoders;
  readonly codec: Codec;
  readonly serialize: ((value: unknown) => Serialized) | undefined;
  readonly failSoft: boolean;
  readonly isFollowUp: boolean;
  readonly #servers: number;

  constructor(options: RequestsOptions) {
    this.dispatcher = options.dispatcher;
    this.decoders = options.decoders;
    this.codec = options.codec;
    this.serialize = options.serialize;
    this.failSoft = options.failSoft;
    this.isFollowUp = options.isFollowUp;
    this.#servers = options.servers;
  }

  /** The same for what calls that have begun send later. */
  forFollowUps(): Requests {
    return this.#with({ isFollowUp: true });
  }

  /** The same for values that are serialized already: pairs of data and flags. */
  forSerialized(): Requests {
    return this.#with({ serialize: (pair) => pair as Serialized });
  }

  #with(changes: Partial<RequestsOptions>): Requests {
    const { dispatcher, decoders, codec, serialize, failSoft, isFollowUp } = this;
    const servers = this.#servers;
    return new Requests({ dispatcher, decoders, codec, serialize, failSoft, isFollowUp, servers, ...changes });
  }

  /** `extra` is the decoder's; `soft` is what an outage resolves to under `failSoft`. */
  read(op: Op, key: Key, decode: Decoder, extra: unknown, soft: unknown, options?: CallOptions): Promise<unknown> {
    const promise = this.short(op, key, decode, extra, options);
    return this.failSoft ? soften(promise, soft) : promise;
  }

  /** As `read`; an outage rejects under `failSoft`, too. */
  short(op: Op, key: Key, decode: Decoder, extra: unknown, options: CallOptions | undefined): Promise<unknown> {
    if (isTraced()) return this.#tracedShort(op, key, decode, extra, options);
    return this.#sendShort(op, key, decode, extra, options);
  }

  // A function of its own: the closure would cost every operation, traced or not.
  #tracedShort(op: Op, key: Key, decode: Decoder, extra: unknown, options?: CallOptions): Promise<unknown> {
    return traced(describeOne(this.dispatcher, op, key), () => this.#sendShort(op, key, decode, extra, options));
  }

  #sendShort(op: Op, key: Key, decode: Decoder, extra: unknown, options: CallOptions | undefined): Promise<unknown> {
    try {
      assertKey(key, operationNames[op]);
      const own = ownCopy(key); // it is read again: by a replica, and for messages
      const operation = new Operation(op, own, decode, extra, 0);
      const promise = operation.promise();
      this.dispatcher.sendShort(operation, key, options, this.isFollowUp);
      return promise;
    } catch (error) {
      return rejection(error);
    }
  }

  /** A write with an answer of yes or no. */
  write(
    op: Op,
    key: Key,
    decode: Decoder,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): Promise<boolean> {
    const promise = this.long(op, key, decode, undefined, value, details, options) as Promise<boolean>;
    return this.failSoft ? soften(promise, false) : promise;
  }

  long(
    op: Op,
    key: Key,
    decode: Decoder,
    extra: unknown,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    if (isTraced()) return this.#tracedLong(op, key, decode, extra, value, details, options);
    return this.sendLong(op, key, decode, extra, value, details, options);
  }

  #tracedLong(
    op: Op,
    key: Key,
    decode: Decoder,
    extra: unknown,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const send = (): Promise<unknown> => this.sendLong(op, key, decode, extra, value, details, options);
    return traced(describeOne(this.dispatcher, op, key), send);
  }

  /** As `long`, without a trace: for the parts of an operation that has one. */
  sendLong(
    op: Op,
    key: Key,
    decode: Decoder,
    extra: unknown,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    try {
      assertKey(key, operationNames[op]);
      const own = ownCopy(key); // it is read again: by a replica, and for messages
      const operation = new Operation(op, own, decode, extra, 0);
      const promise = operation.promise();
      this.dispatcher.sendLong(operation, key, value, details, options, this.isFollowUp);
      return promise;
    } catch (error) {
      return rejection(error);
    }
  }

  store(op: Op, key: Key, value: unknown, time: TimeArg | StoreOptions | undefined, token: bigint): Promise<boolean> {
    try {
      const options = checkStoreOptions(time);
      const parts = serializedParts(value, this.serialize);
      const minCompressLen = compressParts(parts, options, this.codec);
      const details: Details = {
        flags: parts.flags,
        expiry: options.expiry,
        minCompressLen,
        compressLevel: options.compressLevel,
        number: token,
      };
      return this.write(op, key, this.decoders.stored, parts.data, details, options.call);
    } catch (error) {
      return rejection(error);
    }
  }

  join(op: Op, key: Key, data: string | Uint8Array, options: CallOptions | undefined): Promise<boolean> {
    const given: unknown = data;
    if (typeof given !== 'string' && !(given instanceof Uint8Array))
      return rejection(new TypeError(`${operationNames[op]}: data must be a string or bytes, not ${typeof given}`));
    return this.write(op, key, this.decoders.stored, data, plainDetails, options);
  }

  count(
    op: typeof Op.Incr | typeof Op.Decr,
    key: Key,
    delta: number | bigint,
    options: CounterOptions | undefined,
  ): Promise<number | bigint> {
    return attempt(() => {
      const number = checkDelta(delta, 'delta');
      const { initial, expiry, bigint: asBigInt } = checkCounterOptions(options);
      if (initial !== undefined) return this.#countFrom({ op, key, delta: number, initial, expiry, asBigInt }, options);
      const details: Details = { ...plainDetails, number };
      const decode = this.decoders.counter;
      return this.long(op, key, decode, asBigInt, '', details, options) as Promise<number | bigint>;
    });
  }

  async #countFrom(counter: InitialCounter, options: CallOptions | undefined): Promise<number | bigint> {
    const { op, key } = counter;
    const own = { ...counter, key: ownCopy(key) }; // it is sent again
    if (this.isFollowUp) this.dispatcher.hold();
    else this.dispatcher.enter(operationNames[op]);
    try {
      const count = (): Promise<number | bigint> => countFrom(this.#followUps(), own, options);
      return await (isTraced() ? traced(describeOne(this.dispatcher, op, own.key), count) : count());
    } finally {
      this.dispatcher.leave();
    }
  }

  #followUps(): Requests {
    return this.isFollowUp ? this : this.forFollowUps();
  }

  /** One operation for each server; rejects with the first error after all have settled. */
  async everyServer(
    op: Op,
    expiry: number,
    value: string,
    decode: Decoder,
    options: CallOptions | undefined,
  ): Promise<unknown[]> {
    const promises: Promise<unknown>[] = [];
    for (let server = 0; server < this.#servers; ++server) {
      const send = (): Promise<unknown> => this.#sendForServer(op, server, expiry, value, decode, options);
      promises.push(isTraced() ? traced(describeForServer(this.dispatcher, op, server), send) : send());
    }
    const settled = await Promise.allSettled(promises);
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  #sendForServer(
    op: Op,
    server: number,
    expiry: number,
    value: string,
    decode: Decoder,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const operation = new Operation(op, undefined, decode, undefined, server);
    try {
      const promise = operation.promise();
      this.dispatcher.sendForServer(operation, expiry, value, options);
      return promise;
    } catch (error) {
      return rejection(error);
    }
  }
}

/** Errors that are thrown while arguments are checked become rejections. */
export function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return rejection(error);
  }
}

export function rejection(error: unknown): Promise<never> {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
  return Promise.reject(error);
}

function soften<T>(promise: Promise<T>, otherwise: unknown): Promise<T> {
  return promise.catch((error: unknown) => {
    if (!isOutage(error)) throw error;
    publishFailure(error);
    return otherwise as T;
  });
}
