/**
 * Short texts of the client's own (generations of namespaces, leases), stored past the codec: a codec of the user's may
 * not know strings. `failSoft` changes nothing here: the callers have to know what failed.
 */

import { Op } from '../addon/record-layout';
import { noFallback } from '../observability/fail-soft';
import type { ClientContext } from '../operations/client-context';
import { miss, toBigInt, type Decoders, type Miss } from '../operations/decoders';
import type { OperationExecutor } from '../operations/executor';
import { makePayload } from '../operations/make-payload';
import { InternalOperation, type Decoder } from '../operations/operation';
import type { CallOptions } from '../options/call-options';
import { toExpiry, type TimeArg } from '../options/expiry';
import type { Key } from '../options/keys';

/** pylibmc's flag of a string. */
const textFlags = 16;

export interface InternalItem {
  text: string;
  cas: bigint;
}

export class InternalItems {
  readonly #executor: OperationExecutor;
  readonly #decoders: Decoders;
  readonly #item: Decoder<InternalItem | Miss>;

  constructor({ executor, decoders }: ClientContext) {
    this.#executor = executor;
    this.#decoders = decoders;
    this.#item = (completion, subject) => {
      const { numberLow, numberHigh } = completion;
      const text = decoders.textOrMiss(completion, subject);
      return text === miss ? miss : { text, cas: toBigInt(numberLow, numberHigh) };
    };
  }

  get(key: Key, options?: CallOptions): Promise<string | Miss> {
    return this.#executor.send(new InternalOperation(Op.Get, key, this.#decoders.textOrMiss, noFallback), options);
  }

  gets(key: Key, options?: CallOptions): Promise<InternalItem | Miss> {
    return this.#executor.send(new InternalOperation(Op.Gets, key, this.#item, noFallback), options);
  }

  set(key: Key, text: string, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Set, key, text, time, 0, options);
  }

  /** Resolves with false if the key exists. */
  add(key: Key, text: string, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Add, key, text, time, 0, options);
  }

  /** Resolves with false if somebody wrote it. Rejects with NotFound if it does not exist any longer. */
  cas(key: Key, text: string, cas: bigint, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Cas, key, text, time, cas, options);
  }

  /** Resolves with whether it existed. */
  delete(key: Key): Promise<boolean> {
    return this.#executor.send(new InternalOperation(Op.Delete, key, this.#decoders.exists, noFallback));
  }

  #store(op: Op, key: Key, text: string, time: TimeArg, cas: number | bigint, options?: CallOptions): Promise<boolean> {
    const payload = makePayload(text, textFlags, toExpiry(time), cas);
    return this.#executor.send(new InternalOperation(op, key, this.#decoders.stored, noFallback, payload), options);
  }
}
