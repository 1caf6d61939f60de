/** Reads what a TLS socket decrypts, with few calls and no allocation for each record. */

import { setImmediate } from '../timing';

/** Node decrypts at most that many bytes at a time. */
const bufferBytes = 16 * 1024;
const pileBytes = 64 * 1024;
/** In one turn of the loop. With 10 operations in flight it is better to answer the first while the others arrive. */
const manyRecords = 8;

/**
 * Node reports each TLS record by itself, and runs promise reactions in between: each would send one request, whose answer is
 * one record again. So where one turn of the loop reads many, what the next ones read is reported together.
 */
export class RecordReader {
  /** For `tls.connect`: one buffer for all reads, and no stream around it. @types/node has `onread` for net.Socket only. */
  readonly options: object;
  readonly #report: (bytes: Uint8Array) => void;
  /** Records of this turn. */
  #count = 0;
  #isGathering = false;
  #pile: Uint8Array | undefined;
  #piled = 0;

  /** `report` uses the bytes before it returns. */
  constructor(report: (bytes: Uint8Array) => void) {
    this.#report = report;
    const buffer = new Uint8Array(bufferBytes);
    const callback = (size: number): boolean => {
      this.#read(buffer.subarray(0, size));
      return true;
    };
    this.options = { onread: { buffer, callback } };
  }

  readonly #endTurn = (): void => {
    this.#isGathering = this.#count > manyRecords;
    this.#count = 0;
    this.flush();
  };

  /** Reports what was gathered. */
  flush(): void {
    if (this.#pile === undefined || this.#piled === 0) return;
    const bytes = this.#pile.subarray(0, this.#piled);
    this.#piled = 0;
    this.#report(bytes);
  }

  #read(bytes: Uint8Array): void {
    if (++this.#count === 1) setImmediate(this.#endTurn);
    if (!this.#isGathering) {
      this.#report(bytes);
      return;
    }
    this.#pile ??= new Uint8Array(pileBytes);
    if (this.#piled + bytes.length > pileBytes) this.flush();
    this.#pile.set(bytes, this.#piled);
    this.#piled += bytes.length;
  }
}
