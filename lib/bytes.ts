/**
 * Bytes that a caller gives: what counts as such, and how they are read. Never by their properties, which a subclass, or a
 * property of the same name, may answer with anything: a `length` that lies would have memory of others stored.
 */

import { types } from 'node:util';

const { isUint8Array, isArrayBuffer, isSharedArrayBuffer } = types;

type Getter<T> = (this: Uint8Array) => T;
const typedArray = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array);
const { get: lengthGetter } = typedArray.length as unknown as { get: Getter<number> };
const { get: bufferGetter } = typedArray.buffer as unknown as { get: Getter<ArrayBufferLike> };
const { get: offsetGetter } = typedArray.byteOffset as unknown as { get: Getter<number> };

/** Whether it is a Uint8Array (a Buffer is one), of whatever realm. A Proxy of one is not. */
export function isBytes(value: unknown): value is Uint8Array {
  return isUint8Array(value);
}

/** 0 also for memory that was transferred, or that has shrunk below the view. */
export function lengthOfBytes(bytes: Uint8Array): number {
  return lengthGetter.call(bytes);
}

/** Whether another thread may change them, and their length, at any time. */
export function isShared(bytes: Uint8Array): boolean {
  return isSharedArrayBuffer(bufferGetter.call(bytes));
}

/**
 * A copy in memory of its own. Its length is read once, by the engine.
 *
 * @throws TypeError if the memory was transferred, or has shrunk below the view: the bytes look empty then
 */
export function copyOfBytes(bytes: Uint8Array): Buffer {
  try {
    return Buffer.from(new Uint8Array(bytes).buffer);
  } catch (error) {
    throw new TypeError('the bytes cannot be read: their ArrayBuffer is detached', { cause: error });
  }
}

/** A copy of the first `count` bytes, or of fewer: none where the memory was transferred. Never throws. */
export function firstBytes(bytes: Uint8Array, count: number): Buffer {
  try {
    const length = Math.min(lengthGetter.call(bytes), count);
    return Buffer.from(new Uint8Array(bufferGetter.call(bytes), offsetGetter.call(bytes), length));
  } catch {
    return Buffer.alloc(0);
  }
}

/** An ArrayBuffer or bytes as bytes; undefined for anything else. What the codecs store as it is. */
export function bytesIn(value: unknown): Uint8Array | undefined {
  if (isUint8Array(value)) return value;
  return isArrayBuffer(value) ? new Uint8Array(value) : undefined;
}
