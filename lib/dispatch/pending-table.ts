/** Who waits for what: operations in flight by their slot, the number by which the native side knows them. */

import type { Waiter } from '../operations/operation';

const firstSlots = 64;

export class Slots {
  /** Undefined: free, or given up by its caller while the native side still holds the slot. */
  readonly waiters: (Waiter | undefined)[] = [];
  /** On the native clock; Infinity where nobody waits. */
  deadlines = new Float64Array(firstSlots).fill(Infinity);
  /** Which member of its waiter. */
  members = new Uint32Array(firstSlots);
  /** Of reads: how many servers after the key's own it was sent to. */
  triedReplicas = new Uint8Array(firstSlots);
  /** The behaviors that it was called with, as a number. */
  behaviors = new Uint32Array(firstSlots);
  readonly #free: number[] = [];

  /** A free one for this member of a waiter. */
  take(waiter: Waiter, member: number): number {
    const slot = this.#free.pop() ?? this.waiters.length;
    this.waiters[slot] = waiter;
    if (slot >= this.deadlines.length) this.#grow();
    this.members[slot] = member;
    return slot;
  }

  /** The native side does not hold it any longer. */
  release(slot: number): void {
    this.waiters[slot] = undefined;
    this.#free.push(slot);
  }

  /** Nobody waits for it any longer. */
  forget(slot: number): void {
    this.waiters[slot] = undefined;
    this.deadlines[slot] = Infinity;
    this.triedReplicas[slot] = 0;
  }

  #grow(): void {
    const size = this.deadlines.length * 2;
    const { deadlines, members, triedReplicas, behaviors } = this;
    this.deadlines = new Float64Array(size).fill(Infinity);
    this.deadlines.set(deadlines);
    this.members = new Uint32Array(size);
    this.members.set(members);
    this.triedReplicas = new Uint8Array(size);
    this.triedReplicas.set(triedReplicas);
    this.behaviors = new Uint32Array(size);
    this.behaviors.set(behaviors);
  }
}
