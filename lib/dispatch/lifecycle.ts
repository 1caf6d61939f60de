/**
 * The end of a client: `close` lets what is pending finish, `destroy` fails it.
 *
 *     open ── close() ──▶ closing ── nothing is pending ──▶ closed
 *       └──────────────────── destroy() ──────────────────────▲
 *
 * A call that sends one operation after another (getOrSet, a namespace's, a counter with an initial value) is begun once
 * and released at its end. While the client is closing, what such a call still sends is accepted; new calls are not.
 */

import { closedError, destroyedError } from './failures';
import type { PendingTable } from './pending-table';
import type { SendSchedule } from './send-schedule';
import { runInSlices } from './slices';

export interface LifecycleContext {
  table: PendingTable;
  /** How many requests have not settled. */
  pending(): number;
  schedule: Pick<SendSchedule, 'endTick' | 'keep'>;
  /** Deadlines no longer matter. */
  stopTimers(): void;
  /** Gives up a request; returns whether it may have been sent. */
  abandon(slot: number): boolean;
  /** Ends the native side. */
  stop(): void;
}

export class Lifecycle {
  readonly #context: LifecycleContext;
  /** New calls are refused. */
  #isClosing = false;
  /** Everything is refused. */
  #isClosed = false;
  /** Calls that have begun and may send more. */
  #calls = 0;
  #onIdle: (() => void) | undefined;

  constructor(context: LifecycleContext) {
    this.#context = context;
  }

  /** Whether `close` or `destroy` was called. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether an operation may be sent. `acceptWhileClosing`: it belongs to a call that has begun. */
  accepts(acceptWhileClosing: boolean): boolean {
    return !(acceptWhileClosing ? this.#isClosed : this.#isClosing);
  }

  /**
   * Begins a call that sends one operation after another: `close` waits for it, until `release`.
   *
   * @throws ClientClosed
   */
  begin(operation: string): void {
    if (this.#isClosing) throw closedError(operation);
    this.retain();
  }

  /** Begins a part of a call that has begun. */
  retain(): void {
    ++this.#calls;
  }

  release(): void {
    --this.#calls;
    this.checkIdle();
  }

  /** Resolves when everything that is pending has settled, and the native side has been stopped. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#context.schedule.endTick();
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = undefined;
        this.#stop();
        resolve();
      };
      this.checkIdle();
    });
  }

  /** Rejects everything that is pending with ClientClosed, in slices; also what is answered before its turn. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    this.#isClosed = true;
    const { table } = this.#context;
    this.#context.stopTimers();
    this.#context.schedule.keep(); // nothing of it is sent any longer
    let slot = 0;
    runInSlices(() => {
      if (slot === table.operations.length) {
        this.#stop();
        this.#onIdle?.();
        return false;
      }
      const operation = table.operations[slot];
      if (operation !== undefined) {
        const index = table.indexes[slot] as number;
        const wasSent = this.#context.abandon(slot);
        operation.fail(destroyedError(operation, index, wasSent), index);
      }
      ++slot;
      return true;
    });
  }

  /** Ends `close`, if nothing is pending any longer. */
  checkIdle(): void {
    if (this.#onIdle !== undefined && this.#context.pending() === 0 && this.#calls === 0) this.#onIdle();
  }

  #stop(): void {
    this.#isClosed = true;
    this.#context.stop();
  }
}
