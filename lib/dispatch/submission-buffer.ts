/**
 * The submission buffer: requests are written here as records, and handed to the native addon in one call per tick.
 * What is written is copied at once, so callers may change their keys and values as soon as a method returned.
 */

import type { NativeClient } from '../addon/addon';
import { Handover, KeyFlag, longRecordBytes, operationNames, shortRecordBytes, type Op } from '../addon/record-layout';
import { AllocationError } from '../errors';
import { copyOfBytes, isShared } from '../bytes';
import {
  assertKey,
  badKeyError,
  isTextByte,
  lengthOf,
  maxKeyBytes,
  whyBadKey,
  type Key,
  type KeyLimits,
} from '../options/keys';
import type { PendingOperation } from './pending-operation';

const capacity = 256 * 1024;
/** Larger values are copied natively, straight into the memory they are sent from. */
const maxInlineBytes = 16 * 1024;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const maxInlineStringLength = Math.floor(maxInlineBytes / 3);
const maxRecordBytes = longRecordBytes + maxKeyBytes * 3 + maxInlineBytes + 8;
/** Shorter strings are written faster by a loop here than by a call into C++. */
const shortString = 40;

/** Memory that other threads may change, or let grow, is copied first; nor does Node-API give access to it. */
function unshared(value: string | Uint8Array): string | Uint8Array {
  return typeof value !== 'string' && isShared(value) ? copyOfBytes(value) : value;
}

export class SubmissionBuffer {
  readonly #native: Pick<NativeClient, 'submit' | 'stage'>;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #longs: BigUint64Array;
  /** Bytes in use; a multiple of 8. */
  #length = 0;
  #staged = 0;
  /** Whether this tick has handed something over already. */
  #hasPortions = false;
  #keyLimits: KeyLimits;

  constructor(memory: ArrayBuffer, native: Pick<NativeClient, 'submit' | 'stage'>, isText: boolean) {
    this.#native = native;
    this.#keyLimits = { maxKeyBytes, isText };
    this.#bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#longs = new BigUint64Array(memory);
  }

  static allocate(): ArrayBuffer {
    return new ArrayBuffer(capacity);
  }

  /** The behavior `namespace` takes some of a key's bytes. */
  set namespaceBytes(bytes: number) {
    this.#keyLimits = { ...this.#keyLimits, maxKeyBytes: maxKeyBytes - bytes };
  }

  get keyLimits(): KeyLimits {
    return this.#keyLimits;
  }

  /** Hands over what was written. */
  flush(handover: Handover): void {
    const endsTick = handover === Handover.EndTick;
    if (this.#length === 0 && !(endsTick && this.#hasPortions)) return;
    this.#hasPortions = !endsTick;
    const length = this.#length;
    this.#length = 0;
    this.#staged = 0;
    this.#native.submit(length, handover);
  }

  /**
   * Writes the record of one of an operation's requests. `replica`: how many servers after the key's own.
   *
   * @throws BadKeyProvided or TypeError for its key; then nothing is written
   */
  write(operation: PendingOperation, index: number, slot: number, deadline: number, replica: number): void {
    if (this.#length + maxRecordBytes > capacity) this.flush(Handover.Send);
    const key = operation.wireKeyAt(index);
    const payload = operation.payloadAt(index);
    const start = this.#length;
    const word = start >>> 2;
    const keyStart = start + (payload === undefined ? shortRecordBytes : longRecordBytes);
    let keyFlags: number = KeyFlag.ForServer;
    let keyLength = 0;
    if (operation.server < 0) {
      keyLength = typeof key === 'string' ? this.#writePrintable(key, keyStart) : 0;
      keyFlags = 0;
      if (keyLength === 0 || keyLength > this.#keyLimits.maxKeyBytes) {
        // Not short, visible ASCII: a byte or the limit decides.
        keyLength = this.#writeKey(key, keyStart, operation.op);
        keyFlags = this.#keyFlags(keyStart, keyLength);
      }
    }
    let end = keyStart + keyLength;
    let valueLength = 0;
    let compressLevel = 0;
    if (payload !== undefined) {
      const { number } = payload;
      const value = unshared(payload.value);
      const isInline = lengthOf(value) <= (typeof value === 'string' ? maxInlineStringLength : maxInlineBytes);
      valueLength = isInline ? this.#writeValue(value, end) : this.#stage(value, operation.op);
      if (isInline) end += valueLength;
      keyFlags |= KeyFlag.HasPayload;
      compressLevel = payload.compressLevel + 1;
      this.#words[word + 6] = payload.flags;
      this.#words[word + 7] = payload.expiry;
      this.#words[word + 8] = payload.minCompressLen;
      this.#words[word + 9] = isInline ? 0 : ++this.#staged;
      if (typeof number === 'number') {
        this.#words[word + 10] = number; // modulo 2^32
        this.#words[word + 11] = number / 2 ** 32;
      } else {
        this.#longs[(word >>> 1) + 5] = number;
      }
    }
    // The first word's bytes are op, compressLevel, keyFlags, replica: little endian, as every platform of ours.
    this.#words[word] = operation.op | (compressLevel << 8) | (keyFlags << 16) | (replica << 24);
    this.#words[word + 1] = slot;
    this.#words[word + 2] = operation.server < 0 ? keyLength : operation.server;
    this.#words[word + 3] = valueLength;
    this.#doubles[(word >>> 1) + 2] = deadline;
    this.#length = (end + 7) & ~7;
  }

  /** Writes a short key of visible ASCII, as most are. Returns its length; 0: it is another key. */
  #writePrintable(key: string, at: number): number {
    const bytes = this.#bytes;
    const { length } = key;
    if (length > shortString) return 0;
    for (let index = 0; index < length; ++index) {
      const unit = key.charCodeAt(index);
      if (unit > 0x7e || unit <= 0x20) return 0;
      bytes[at + index] = unit;
    }
    return length;
  }

  /** @throws BadKeyProvided, TypeError */
  #writeKey(key: Key | undefined, at: number, op: Op): number {
    assertKey(key, operationNames[op]);
    const limits = this.#keyLimits;
    const reason = whyBadKey(key, limits);
    if (reason !== undefined) throw badKeyError(key, operationNames[op], reason);
    if (typeof key === 'string') return this.#bytes.write(key, at, 'utf8');
    this.#bytes.set(key, at);
    return lengthOf(key);
  }

  /** @throws AllocationError */
  #stage(value: string | Uint8Array, op: Op): number {
    try {
      return this.#native.stage(value);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MEMORY_ALLOCATION_FAILED') throw error;
      const operation = operationNames[op];
      throw new AllocationError(`${operation}: this process has no memory for the value`, { operation, cause: error });
    }
  }

  #keyFlags(at: number, length: number): number {
    const bytes = this.#bytes;
    for (let index = at; index < at + length; ++index)
      if (!isTextByte(bytes[index] as number)) return KeyFlag.TextUnsafe;
    return 0;
  }

  #writeValue(value: string | Uint8Array, at: number): number {
    const bytes = this.#bytes;
    const length = lengthOf(value);
    if (typeof value !== 'string') {
      bytes.set(value, at);
      return length;
    }
    if (length > shortString) return bytes.write(value, at, 'utf8');
    for (let index = 0; index < length; ++index) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return bytes.write(value, at, 'utf8');
      bytes[at + index] = unit;
    }
    return length;
  }
}
