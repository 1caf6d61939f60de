/** Operations in flight by their slot, the number by which the native side knows a request. */

import type { PendingOperation } from './pending-operation';

const initialSize = 64;

export class PendingTable {
  /** Undefined: free, or given up by its caller while the native side still holds the slot. */
  readonly operations: (PendingOperation | undefined)[] = [];
  /** On the native clock; Infinity where nobody waits. */
  deadlines = new Float64Array(initialSize).fill(Infinity);
  /** In milliseconds, for messages. */
  timeouts = new Float64Array(initialSize);
  /** Which of its operation's requests it is. */
  indexes = new Uint32Array(initialSize);
  /** Of reads: how many servers after the key's own it was sent to. */
  triedReplicas = new Uint8Array(initialSize);
  /** The behaviors and servers that it was called with, as a number. */
  placements = new Uint32Array(initialSize);
  readonly #free: number[] = [];

  /** Returns a free slot, which is now this request's. */
  take(operation: PendingOperation, index: number): number {
    const slot = this.#free.pop() ?? this.operations.length;
    this.operations[slot] = operation;
    if (slot >= this.deadlines.length) this.#grow();
    this.indexes[slot] = index;
    this.triedReplicas[slot] = 0;
    return slot;
  }

  /** Frees a slot that the native side does not hold any longer. */
  release(slot: number): void {
    this.operations[slot] = undefined;
    this.#free.push(slot);
  }

  /** Empties a slot that nobody waits for any longer, and that the native side still holds. */
  forget(slot: number): void {
    this.operations[slot] = undefined;
    this.deadlines[slot] = Infinity;
    this.triedReplicas[slot] = 0;
  }

  #grow(): void {
    const size = this.deadlines.length * 2;
    const deadlines = new Float64Array(size).fill(Infinity);
    deadlines.set(this.deadlines);
    this.deadlines = deadlines;
    this.timeouts = grown(new Float64Array(size), this.timeouts);
    this.indexes = grown(new Uint32Array(size), this.indexes);
    this.triedReplicas = grown(new Uint8Array(size), this.triedReplicas);
    this.placements = grown(new Uint32Array(size), this.placements);
  }
}

function grown<A extends { set(from: A): void }>(larger: A, from: A): A {
  larger.set(from);
  return larger;
}
