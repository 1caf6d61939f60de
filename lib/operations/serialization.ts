/** Values become payloads: bytes and flags by the codec, and what was asked of their storing. */

import { rejectPromise, type Codec, type Serialized } from '../codecs/codec';
import { serialize as standardSerialize } from '../codecs/pylibmc';
import type { Payload } from '../dispatch/pending-operation';
import { copyOfBytes, isBytes } from '../bytes';
import { describeType } from '../describe-type';
import { lengthOf, ownCopy } from '../options/keys';
import { assertWellFormed } from '../well-formed';
import { maxUint32 } from '../options/ranges';
import type { CheckedStoreOptions } from './arguments';

/** memcached cannot be configured for larger items than this. */
const maxValueBytes = 2 ** 30;

interface SerializedValue {
  data: string | Uint8Array;
  flags: number;
}

export class Serializer {
  readonly #codec: Codec;
  readonly #ownSerialize: () => ((value: unknown) => Serialized) | undefined;

  /** `ownSerialize` returns undefined for the default codec, which is called without a detour over the client's method. */
  constructor(codec: Codec, ownSerialize: () => ((value: unknown) => Serialized) | undefined) {
    this.#codec = codec;
    this.#ownSerialize = ownSerialize;
  }

  /**
   * Returns what stores a value. `number`: the CAS token, 0 if there is none.
   *
   * @throws TypeError for what cannot be serialized or compressed, or a codec that returns nonsense; RangeError for a value
   * that is too large; whatever the codec throws
   */
  toPayload(value: unknown, options: CheckedStoreOptions, number: number | bigint): Payload {
    let { data, flags } = this.toBytes(value);
    const { expiry, compressLevel } = options;
    let { minCompressLen } = options;
    if (minCompressLen > 0 && this.#codec.zlib === false) {
      ({ data, flags } = this.#compress({ data, flags }, minCompressLen, compressLevel));
      minCompressLen = 0; // nothing is left to the native side
    }
    return { value: data, flags, expiry, minCompressLen, compressLevel, number };
  }

  /** Returns the payloads of many values, to be sent in this tick: the caller's bytes are not copied. @throws as `toPayload` */
  toPayloads(values: readonly unknown[], options: CheckedStoreOptions): Payload[] {
    return values.map((value) => {
      const payload = this.toPayload(value, options, 0);
      // A codec of the user's may use the same memory for the next value.
      return this.#ownSerialize() === undefined ? payload : { ...payload, value: ownCopy(payload.value) };
    });
  }

  /** @throws TypeError, RangeError, as `toPayload` */
  toBytes(value: unknown): SerializedValue {
    const serialize = this.#ownSerialize();
    let checked: SerializedValue;
    if (serialize === undefined) {
      const [data, flags] = standardSerialize(value);
      checked = { data, flags };
    } else {
      checked = toSerialized(serialize(value), 'serialize');
    }
    const { data } = checked;
    const length = lengthOf(data);
    if (length > maxValueBytes)
      throw new RangeError(`the value has ${length} bytes; memcached stores at most ${maxValueBytes}`);
    if (typeof data === 'string') assertWellFormed(data, 'a value');
    else rejectDetached(data);
    return checked;
  }

  /**
   * Returns the flags with which `set` stores an integer as decimal digits, which is what memcached counts in. 0 if the
   * codec stores integers in another way, or not at all: then a counter is plain bytes to it.
   */
  flagsOfDigits(integer: bigint): number {
    const sample = integer <= Number.MAX_SAFE_INTEGER ? Number(integer) : 0; // a bigint may have flags of its own
    try {
      const { data, flags } = this.toBytes(sample);
      const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
      return text === String(sample) ? flags : 0;
    } catch {
      return 0;
    }
  }

  /** Has a codec that compresses itself do so. */
  #compress(value: SerializedValue, minCompressLen: number, compressLevel: number): SerializedValue {
    const codec = this.#codec;
    if (codec.compress === undefined)
      throw new TypeError(`minCompressLen: codec ${codec.name ?? 'without a name'} does not compress`);
    const bytes = typeof value.data === 'string' ? Buffer.from(value.data) : copyOfBytes(value.data);
    if (bytes.length < minCompressLen || compressLevel === 0) return value;
    const result: unknown = codec.compress(bytes, value.flags, compressLevel);
    return result === undefined ? value : toSerialized(result, 'compress');
  }
}

const noBytes = new Uint8Array(0);

/** Bytes whose memory was transferred look empty, and would be stored so. @throws TypeError */
export function rejectDetached(data: string | Uint8Array): void {
  if (typeof data === 'string' || lengthOf(data) > 0) return;
  try {
    noBytes.set(data);
  } catch (error) {
    throw new TypeError('cannot store bytes whose ArrayBuffer is detached', { cause: error });
  }
}

/** @throws TypeError for what is not bytes and flags */
function toSerialized(result: unknown, method: string): SerializedValue {
  rejectPromise(result, method);
  if (!Array.isArray(result) || result.length !== 2)
    throw new TypeError(`${method} must return [data, flags], not ${describeType(result)}`);
  const [data, flags] = result as [unknown, unknown];
  if (typeof data !== 'string' && !isBytes(data))
    throw new TypeError(`${method} must return bytes or a string as data, not ${describeType(data)}`);
  if (typeof flags !== 'number' || !Number.isInteger(flags) || flags < 0 || flags > maxUint32)
    throw new TypeError(
      `${method} must return a whole number of 32 bits as flags, not ${typeof flags === 'number' ? flags : describeType(flags)}`,
    );
  return { data, flags };
}
