/**
 * The submission buffer: requests are written here as records, and handed to the native addon in one call per tick.
 * What is written is copied at once, so callers may change their keys and values as soon as a method returned.
 */

import { types } from 'node:util';

import { badKeyError, isTextByte, maxKeyBytes, type Key } from '../options/keys';
import type { NativeClient } from '../addon/addon';
import { Handover, KeyFlag, longRecordBytes, operationNames, shortRecordBytes, type Op } from '../addon/record-layout';

const capacity = 256 * 1024;
/** Larger values are copied natively, straight into the memory they are sent from. */
const maxInlineBytes = 16 * 1024;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const maxInlineStringLength = Math.floor(maxInlineBytes / 3);
const maxRecordBytes = longRecordBytes + maxKeyBytes * 3 + maxInlineBytes + 8;
/** Shorter strings are written faster by a loop here than by a call into C++. */
const shortString = 40;

/** The members of a long record, see native/binding/record.h. */
export interface Details {
  flags: number;
  expiry: number;
  minCompressLen: number;
  compressLevel: number;
  /** CAS token or delta. */
  number: bigint;
}

export const plainDetails: Details = Object.freeze({
  flags: 0,
  expiry: 0,
  minCompressLen: 0,
  compressLevel: -1,
  number: 0n,
});

/** Node-API gives no access to a SharedArrayBuffer's memory. */
function unshared(value: string | Uint8Array): string | Uint8Array {
  return typeof value !== 'string' && types.isSharedArrayBuffer(value.buffer) ? Buffer.from(value) : value;
}

export class Submission {
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
  #keyLength = 0;
  #keyFlags = 0;
  /** With namespace. */
  #maxKeyBytes = maxKeyBytes;
  /** Whether the protocol is text, which cannot carry every key. */
  readonly isText: boolean;

  constructor(memory: ArrayBuffer, native: Pick<NativeClient, 'submit' | 'stage'>, isText: boolean) {
    this.#native = native;
    this.isText = isText;
    this.#bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#longs = new BigUint64Array(memory);
  }

  static allocate(): ArrayBuffer {
    return new ArrayBuffer(capacity);
  }

  set namespaceBytes(bytes: number) {
    this.#maxKeyBytes = maxKeyBytes - bytes;
  }

  /** The key's limit in bytes, with the namespace taken off. */
  get maxKeyBytes(): number {
    return this.#maxKeyBytes;
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
   * Starts a record: writes its key. Nothing is submitted unless one of the finish methods follows.
   *
   * @throws BadKeyProvided
   */
  begin(op: Op, key: Key, isLong: boolean): void {
    if (this.#length + maxRecordBytes > capacity) this.flush(Handover.Send);
    const at = this.#length + (isLong ? longRecordBytes : shortRecordBytes);
    this.#keyFlags = 0;
    this.#keyLength = typeof key === 'string' ? this.#writeKey(key, at) : this.#copyKey(key, at);
    if (this.#keyLength === 0) throw badKeyError(key, operationNames[op], 'it is empty');
    if (this.#keyLength > this.#maxKeyBytes) {
      const limit = `${String(this.#maxKeyBytes)} bytes`;
      throw badKeyError(key, operationNames[op], `it has more than ${limit}, which is the limit with the namespace`);
    }
    if (this.isText && this.#keyFlags !== 0)
      throw badKeyError(key, operationNames[op], 'the text protocol allows no whitespace and no control bytes');
  }

  #writeKey(key: string, at: number): number {
    const bytes = this.#bytes;
    const length = key.length;
    if (length <= shortString) {
      let index = 0;
      for (; index < length; ++index) {
        const unit = key.charCodeAt(index);
        if (unit > 0x7e || unit <= 0x20) break;
        bytes[at + index] = unit;
      }
      if (index === length) return length;
    } else if (length > maxKeyBytes) {
      return length;
    }
    const written = bytes.write(key, at, 'utf8');
    this.#inspect(at, written);
    return written;
  }

  #copyKey(key: Uint8Array, at: number): number {
    if (key.length > maxKeyBytes) return key.length;
    this.#bytes.set(key, at);
    this.#inspect(at, key.length);
    return key.length;
  }

  #inspect(at: number, length: number): void {
    const bytes = this.#bytes;
    for (let index = at; index < at + length; ++index) {
      if (!isTextByte(bytes[index] as number)) {
        this.#keyFlags = KeyFlag.TextUnsafe;
        return;
      }
    }
  }

  /** Ends a short record. `replica`: how many servers after the key's own. */
  finish(op: Op, slot: number, deadline: number, replica: number): void {
    this.#writeHead(op, slot, deadline, 0, 0, this.#keyFlags | (replica << 8), this.#keyLength);
    this.#length = (this.#length + shortRecordBytes + this.#keyLength + 7) & ~7;
  }

  /** Ends a long record; `value` is a string's UTF-8 bytes or bytes. */
  finishLong(op: Op, slot: number, deadline: number, value: string | Uint8Array, details: Details): void {
    const at = this.#length + longRecordBytes + this.#keyLength;
    let staged = 0;
    let valueLength: number;
    const limit = typeof value === 'string' ? maxInlineStringLength : maxInlineBytes;
    if (value.length > limit) {
      valueLength = this.#native.stage(unshared(value));
      staged = ++this.#staged;
    } else if (typeof value === 'string') {
      valueLength = this.#writeValue(value, at);
    } else {
      this.#bytes.set(value, at);
      valueLength = value.length;
    }
    const word = this.#length >>> 2;
    const flags = this.#keyFlags | KeyFlag.HasDetails;
    this.#writeHead(op, slot, deadline, valueLength, details.compressLevel + 1, flags, this.#keyLength);
    this.#words[word + 6] = details.flags;
    this.#words[word + 7] = details.expiry;
    this.#words[word + 8] = details.minCompressLen;
    this.#words[word + 9] = staged;
    this.#longs[(word >>> 1) + 5] = details.number;
    this.#length = (at + (staged === 0 ? valueLength : 0) + 7) & ~7;
  }

  /** A whole record for a server, without a key. */
  writeForServer(op: Op, slot: number, deadline: number, server: number, expiry: number, value: string): void {
    if (this.#length + maxRecordBytes > capacity) this.flush(Handover.Send);
    const at = this.#length + longRecordBytes;
    const word = this.#length >>> 2;
    const valueLength = this.#bytes.write(value, at, 'utf8');
    this.#writeHead(op, slot, deadline, valueLength, 0, KeyFlag.ForServer | KeyFlag.HasDetails, server);
    this.#words.fill(0, word + 6, word + longRecordBytes / 4);
    this.#words[word + 7] = expiry;
    this.#length = (at + valueLength + 7) & ~7;
  }

  #writeHead(
    op: Op,
    slot: number,
    deadline: number,
    valueLength: number,
    compressLevel: number,
    flags: number,
    keyLength: number,
  ): void {
    const word = this.#length >>> 2;
    // The first word's bytes are op, compressLevel, keyFlags, replica: little endian, as every platform of ours.
    this.#words[word] = op | (compressLevel << 8) | (flags << 16);
    this.#words[word + 1] = slot;
    this.#words[word + 2] = keyLength;
    this.#words[word + 3] = valueLength;
    this.#doubles[(word >>> 1) + 2] = deadline;
  }

  #writeValue(value: string, at: number): number {
    const bytes = this.#bytes;
    const length = value.length;
    if (length <= shortString) {
      let index = 0;
      for (; index < length; ++index) {
        const unit = value.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[at + index] = unit;
      }
      if (index === length) return length;
    }
    return bytes.write(value, at, 'utf8');
  }
}
