/** Requests for the keys of a namespace: as lib/operations/executor.ts and multi-executor.ts, each with its generation. */

import { serializedParts, type CounterOptions, type StoreOptions } from '../operations/arguments';
import type { Serialized } from '../codecs/codec';
import type { CallOptions } from '../options/call-options';
import { isDate, type TimeArg } from '../options/expiry';
import type { Generation, Send } from './generation';
import type { KeyRequests } from '../operations/key-operations';
import { assertKey, badKeyError, ownCopy, withPrefix, type Key } from '../options/keys';
import { entryList, keyList, type CountMultiOptions, type MultiOptions } from '../operations/multi-operation';
import * as multi from '../operations/multi-executor';
import type { Decoder } from '../operations/operation';
import { attempt, type Requests } from '../operations/executor';
import { isOutage, publishFailure } from '../observability/fail-soft';
import type { Details } from '../dispatch/submission-buffer';
import { Op, operationNames } from '../addon/record-layout';

export class NamespacedRequests implements KeyRequests {
  readonly #generation: Generation;
  readonly #plain: Requests;
  /** Values are serialized, and bytes copied, when the operation is called: it may be sent later, or twice. */
  readonly #serialized: Requests;

  constructor(generation: Generation, requests: Requests) {
    this.#generation = generation;
    this.#plain = requests.forFollowUps();
    this.#serialized = this.#plain.forSerialized();
  }

  read(op: Op, key: Key, decode: Decoder, extra: unknown, soft: unknown, options?: CallOptions): Promise<unknown> {
    return attempt(() => {
      const own = checkedKey(key, operationNames[op]);
      const send: Send<unknown> = (prefix, late) =>
        this.#plain.read(op, withPrefix(prefix, own), decode, extra, soft, merged(options, late));
      return this.#run(operationNames[op], send, options, op === Op.Delete, () => soft);
    });
  }

  write(
    op: Op,
    key: Key,
    decode: Decoder,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): Promise<boolean> {
    return attempt(() => {
      const own = checkedKey(key, operationNames[op]);
      const bytes = ownCopy(value);
      const send: Send<boolean> = (prefix, late) =>
        this.#plain.write(op, withPrefix(prefix, own), decode, bytes, details, merged(options, late));
      return this.#run(operationNames[op], send, options, true, () => false);
    });
  }

  store(op: Op, key: Key, value: unknown, time: TimeArg | StoreOptions | undefined, token: bigint): Promise<boolean> {
    return attempt(() => {
      const own = checkedKey(key, operationNames[op]);
      const pair = this.#serialize(value);
      const options: StoreOptions = typeof time === 'object' && !isDate(time) ? time : timeOnly(time);
      const send: Send<boolean> = (prefix, late) =>
        this.#serialized.store(op, withPrefix(prefix, own), pair, merged(options, late), token);
      return this.#run(operationNames[op], send, options, true, () => false);
    });
  }

  join(op: Op, key: Key, data: string | Uint8Array, options: CallOptions | undefined): Promise<boolean> {
    return attempt(() => {
      const own = checkedKey(key, operationNames[op]);
      const copy = ownCopy(data);
      const send: Send<boolean> = (prefix, late) =>
        this.#plain.join(op, withPrefix(prefix, own), copy, merged(options, late));
      return this.#run(operationNames[op], send, options, true, () => false);
    });
  }

  count(
    op: typeof Op.Incr | typeof Op.Decr,
    key: Key,
    delta: number | bigint,
    options: CounterOptions | undefined,
  ): Promise<number | bigint> {
    return attempt(() => {
      const own = checkedKey(key, operationNames[op]);
      const send: Send<number | bigint> = (prefix, late) =>
        this.#plain.count(op, withPrefix(prefix, own), delta, merged(options, late));
      return this.#run(operationNames[op], send, options, true);
    });
  }

  readMulti(
    op: typeof Op.Get | typeof Op.Gets,
    keys: Iterable<Key>,
    decode: Decoder,
    options: MultiOptions | undefined,
  ): Promise<Map<Key, unknown>> {
    return attempt(() => {
      const list = [...keyList(keys, op === Op.Get ? 'getMulti' : 'getsMulti')];
      const send: Send<Map<Key, unknown>> = (prefix, late) =>
        multi.readMulti(this.#plain, op, list, decode, prefixed(prefix, options, late));
      return this.#run(operationNames[op], send, options, false, () => new Map<Key, unknown>());
    });
  }

  deleteMulti(keys: Iterable<Key>, options: MultiOptions | undefined): Promise<boolean> {
    return attempt(() => {
      const list = [...keyList(keys, 'deleteMulti')];
      const send: Send<boolean> = (prefix, late) =>
        multi.deleteMulti(this.#plain, list, prefixed(prefix, options, late));
      return this.#run('deleteMulti', send, options, true, () => false);
    });
  }

  storeMulti(
    op: typeof Op.Set | typeof Op.Add,
    entries: unknown,
    options: (StoreOptions & MultiOptions) | undefined,
  ): Promise<Key[]> {
    return attempt(() => {
      const { keys, values } = entryList(entries, op === Op.Set ? 'setMulti' : 'addMulti');
      const pairs = values.map((value, index) => [keys[index], this.#serialize(value)]);
      const send: Send<Key[]> = (prefix, late) =>
        multi.storeMulti(this.#serialized, op, pairs, prefixed(prefix, options, late));
      return this.#run(operationNames[op], send, options, true, () => keys);
    });
  }

  countMulti(
    op: typeof Op.Incr | typeof Op.Decr,
    keys: Iterable<Key>,
    options: CountMultiOptions | undefined,
  ): Promise<Map<Key, number>> {
    return attempt(() => {
      const list = [...keyList(keys, op === Op.Incr ? 'incrMulti' : 'decrMulti')];
      const send: Send<Map<Key, number>> = (prefix, late) =>
        multi.countMulti(this.#plain, op, list, prefixed(prefix, options, late));
      return this.#run(operationNames[op], send, options, true);
    });
  }

  /** `soft`: what an outage of the generation's server resolves to under `failSoft`; without it, it rejects. */
  #run<T>(
    operation: string,
    send: Send<T>,
    options: CallOptions | undefined,
    isWrite: boolean,
    soft?: () => T,
  ): Promise<T> {
    const promise = this.#generation.run(operation, send, options, isWrite);
    if (!this.#plain.failSoft || soft === undefined) return promise;
    return promise.catch((error: unknown) => {
      if (!isOutage(error)) throw error;
      publishFailure(error);
      return soft();
    });
  }

  #serialize(value: unknown): Serialized {
    const { data, flags } = serializedParts(value, this.#plain.serialize);
    return [ownCopy(data), flags];
  }
}

/** @throws TypeError, BadKeyProvided. An empty key is an error with a prefix, too: it would be the prefix's own. */
function checkedKey(key: Key, operation: string): Key {
  assertKey(key, operation);
  if (key.length === 0) throw badKeyError(key, operation, 'it is empty');
  return ownCopy(key);
}

function timeOnly(time: TimeArg | undefined): StoreOptions {
  return time === undefined ? {} : { time };
}

function merged<O extends CallOptions>(options: O | undefined, late: CallOptions | undefined): O | undefined {
  return late === undefined ? options : ({ ...options, ...late } as O);
}

function prefixed<O extends MultiOptions>(prefix: string, options: O | undefined, late: CallOptions | undefined): O {
  return { ...options, ...late, keyPrefix: withPrefix(prefix, options?.keyPrefix ?? '') } as O;
}
