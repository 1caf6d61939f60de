/**
 * Short texts of the client's own (generations of namespaces, leases), stored past the codec: a codec of the user's may
 * not know strings. Nothing here is softened by `failSoft`: the callers have to know what failed.
 */

import type { CallOptions } from '../options/call-options';
import { returnCode } from '../errors';
import { toExpiry, type TimeArg } from '../options/expiry';
import type { Key } from '../options/keys';
import type { Decoder } from '../operations/operation';
import { toBigInt } from '../operations/decoders';
import type { Requests } from '../operations/executor';
import { plainDetails, type Details } from '../dispatch/submission-buffer';
import { Op } from '../addon/record-layout';

const notFound = returnCode('NOTFOUND');
/** pylibmc's flag of a string. */
const textFlags = 16;

export interface InternalItem {
  text: string;
  cas: bigint;
}

export class InternalItems {
  readonly #requests: Requests;
  readonly #text: Decoder;
  readonly #textWithToken: Decoder;

  constructor(requests: Requests) {
    this.#requests = requests;
    const decode = requests.decoders.text;
    this.#text = (reply, subject) => (reply.status === notFound ? undefined : decode(reply, subject));
    this.#textWithToken = (reply, subject) => {
      if (reply.status === notFound) return undefined;
      const cas = toBigInt(reply.numberLow, reply.numberHigh);
      return { text: decode(reply, subject), cas };
    };
  }

  get(key: Key, options?: CallOptions): Promise<string | undefined> {
    return this.#requests.short(Op.Get, key, this.#text, undefined, options) as Promise<string | undefined>;
  }

  gets(key: Key, options?: CallOptions): Promise<InternalItem | undefined> {
    return this.#requests.short(Op.Gets, key, this.#textWithToken, undefined, options) as Promise<
      InternalItem | undefined
    >;
  }

  set(key: Key, text: string, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Set, key, text, time, 0n, options);
  }

  /** False: it is there. */
  add(key: Key, text: string, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Add, key, text, time, 0n, options);
  }

  /** False: somebody wrote it. Rejects with NotFound if it is gone. */
  cas(key: Key, text: string, cas: bigint, time: TimeArg, options?: CallOptions): Promise<boolean> {
    return this.#store(Op.Cas, key, text, time, cas, options);
  }

  #store(op: Op, key: Key, text: string, time: TimeArg, cas: bigint, options?: CallOptions): Promise<boolean> {
    const details: Details = { ...plainDetails, flags: textFlags, expiry: toExpiry(time), number: cas };
    const decode = this.#requests.decoders.stored;
    return this.#requests.long(op, key, decode, undefined, text, details, options) as Promise<boolean>;
  }
}
