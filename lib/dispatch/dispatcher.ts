/**
 * What is in flight. JavaScript's side of native/binding/client.h.
 *
 * A request has a slot from the call until the native side completes it:
 *
 *      send()                      flush()                 #deliver()
 *        │                            │                         │
 *        ▼                            ▼                         ▼
 *      |  written: in the submission  |  handed over: waiting   |  completed: the slot
 *      |  buffer, a record each       |  to be sent, or sent    |  is free again
 *      ─────────────────────────────────────────────────────────
 *        └──────────── #pending: somebody waits for it ────────┘     #inFlight: the slot is taken
 *
 * At the end of a tick, and in portions while it lasts, all records are handed over in one call. A request whose caller
 * gave up (abort, deadline, destroy) leaves #pending at once; its slot stays in #inFlight until it is completed, so that
 * a late answer finds nobody instead of somebody else.
 */

import type { NativeBehaviors, NativeClient } from '../addon/addon';
import { Op, Status, operationNames } from '../addon/record-layout';
import { returnCode } from '../errors';
import { Connections } from '../observability/connections';
import { publishFailure } from '../observability/fail-soft';
import type { ClientMetrics } from '../observability/metrics';
import type { CallOptions } from '../options/call-options';
import type { KeyLimits } from '../options/keys';
import { serverName, toNative, type ServerAddress } from '../options/servers';
import { Discovery } from '../topology/discovery';
import { onAbort } from './abort';
import { makeCompletion, readCompletion, sharedBytes, slotAt, statusAt } from './completion-reader';
import { DeadlineTimer } from './deadline-timer';
import { busyError, closedError, deadlineError, destroyedError, mayBeApplied } from './failures';
import { Lifecycle } from './lifecycle';
import { makeNativeClient, type NativeOptions } from './native-client';
import { Overdue } from './overdue';
import type { PendingOperation } from './pending-operation';
import { PendingTable } from './pending-table';
import { SendSchedule } from './send-schedule';
import { Servers, type ServerList } from './servers';
import { SubmissionBuffer } from './submission-buffer';
import { TickClock } from './tick-clock';

const notFound = returnCode('NOTFOUND');

export interface DispatcherOptions extends Omit<NativeOptions, 'servers' | 'awaitsServers'> {
  maxPending: number;
  servers: ServerList;
  /** Milliseconds: `servers` is an endpoint that is asked for the servers so often. */
  discoveryInterval: number | undefined;
}

export class Dispatcher {
  readonly timeout: number;
  readonly lifecycle: Lifecycle;
  readonly servers: Servers;
  readonly connections: Connections;
  /** Who finds the servers, if they are to be discovered. */
  readonly discovery: Discovery | undefined;
  readonly #maxPending: number;
  readonly #native: NativeClient;
  readonly #buffer: SubmissionBuffer;
  readonly #schedule: SendSchedule;
  readonly #completion = makeCompletion();

  readonly #table = new PendingTable();
  /** Slots that are taken. */
  #inFlight = 0;
  /** Requests that have not settled. */
  #pending = 0;
  /** How often an operation was refused with Busy. */
  #refused = 0;

  #isDelivering = false;
  readonly #clock = new TickClock();
  readonly #deadlineTimer: DeadlineTimer<Dispatcher>;
  readonly #overdue: Overdue;

  /** `num_replicas` in force. */
  #replicas = 0;
  /** How often behaviors or servers were set. */
  #placements = 0;

  constructor(options: DispatcherOptions) {
    const { maxPending, servers, discoveryInterval, ...nativeOptions } = options;
    this.timeout = options.timeout;
    this.#maxPending = maxPending;
    const memory = SubmissionBuffer.allocate();
    this.#native = makeNativeClient(
      { ...nativeOptions, servers: servers.addresses.map(toNative), awaitsServers: discoveryInterval !== undefined },
      memory,
      (count, blocks) => {
        this.#deliver(count, blocks);
      },
    );
    this.servers = new Servers(this.#native, servers);
    this.discovery =
      discoveryInterval === undefined ? undefined : this.#discoverBy(servers, discoveryInterval, nativeOptions);
    this.connections = new Connections(this.servers);
    this.#native.report = this.connections.report.bind(this.connections);
    this.#buffer = new SubmissionBuffer(memory, this.#native, !options.binary);
    this.#schedule = new SendSchedule(this.#buffer, this.#clock, nativeOptions.tls !== undefined);
    this.#deadlineTimer = new DeadlineTimer<Dispatcher>(this, this.#clock, (dispatcher) => {
      dispatcher.#overdue.start();
    });
    this.#overdue = new Overdue({
      table: this.#table,
      timer: this.#deadlineTimer,
      now: () => this.#clock.now(),
      receive: () => this.#native.receive(),
      expire: (slot) => {
        this.#expire(slot);
      },
      onEnd: () => {
        this.lifecycle.checkIdle();
      },
    });
    this.lifecycle = new Lifecycle({
      table: this.#table,
      pending: () => this.#pending,
      schedule: this.#schedule,
      stopTimers: () => {
        this.#overdue.stop();
      },
      abandon: (slot) => this.#abandon(slot),
      stop: () => {
        this.#overdue.stop();
        this.discovery?.stop();
        this.#native.stop();
      },
    });
  }

  // Operations.

  /**
   * Sends an operation: a request for each of its indexes, all of them or none. `options` are checked; `acceptWhileClosing`:
   * it belongs to a call that has begun.
   *
   * @throws ClientClosed, Busy, or what is wrong with its key
   */
  send(operation: PendingOperation, options: CallOptions | undefined, acceptWhileClosing: boolean): void {
    const { op, size } = operation;
    if (!this.lifecycle.accepts(acceptWhileClosing)) throw closedError(operationNames[op]);
    if (size > this.#maxPending - this.#inFlight) throw this.#busy(op, size);
    this.discovery?.begin();
    const timeout = options?.timeout ?? this.timeout;
    const signal = options?.signal;
    if (size === 1) {
      const slot = this.#begin(operation, 0, timeout);
      if (signal !== undefined) this.#listenForAbort(signal, operation, [slot]);
      operation.releaseArguments();
      // A codec may call us while completions are delivered; what it calls then leaves with the rest of the tick.
      if (!this.#isDelivering) this.#schedule.sendPortion(this.#inFlight);
      return;
    }
    const slots: number[] = [];
    try {
      for (let index = 0; index < size; ++index) slots.push(this.#begin(operation, index, timeout));
    } catch (error) {
      this.#abandonAll(operation, slots); // out of memory, for example
      throw error;
    }
    if (signal !== undefined) this.#listenForAbort(signal, operation, slots);
    operation.releaseArguments();
  }

  #busy(op: Op, size: number): Error {
    this.#refused += size;
    return busyError(op, size, this.#inFlight, this.#maxPending);
  }

  /** Takes a slot for a request and writes its record. @throws what is wrong with it; then it was never there */
  #begin(operation: PendingOperation, index: number, timeout: number): number {
    const table = this.#table;
    const slot = table.take(operation, index);
    // A timeout of the caller's own may be short: it counts from the call exactly.
    const deadline = this.#clock.recent(timeout !== this.timeout) + timeout;
    table.deadlines[slot] = deadline;
    table.timeouts[slot] = timeout;
    table.placements[slot] = this.#placements;
    ++this.#inFlight;
    ++this.#pending;
    try {
      this.#buffer.write(operation, index, slot, deadline, 0);
    } catch (error) {
      this.#rollback(slot);
      // Nothing may leave in this tick, and then its end resets no clock.
      this.#clock.endTick();
      throw error;
    }
    this.#schedule.onWrite();
    this.#deadlineTimer.set(deadline);
    return slot;
  }

  #rollback(slot: number): void {
    this.#table.forget(slot);
    this.#table.release(slot);
    --this.#inFlight;
    --this.#pending;
  }

  #listenForAbort(signal: AbortSignal, operation: PendingOperation, slots: readonly number[]): void {
    const abort = (reason: unknown): void => {
      this.#abandonAll(operation, slots);
      operation.abort(reason);
      this.lifecycle.checkIdle();
    };
    try {
      operation.removeAbortListener = onAbort(signal, abort);
    } catch (error) {
      this.#abandonAll(operation, slots); // an odd signal
      throw error;
    }
  }

  // Completions.

  /** Called by the native side: settles `count` requests from the shared arrays. */
  #deliver(count: number, blocks: readonly Buffer[] | undefined): void {
    this.#isDelivering = true;
    try {
      for (let record = 0; record < count; ++record) this.#complete(record, blocks);
    } finally {
      this.#isDelivering = false;
      this.#completion.bytes = sharedBytes; // do not keep a large value alive
    }
    this.lifecycle.checkIdle();
  }

  #complete(record: number, blocks: readonly Buffer[] | undefined): void {
    const table = this.#table;
    const slot = slotAt(record);
    const operation = table.operations[slot];
    if (this.#replicas > 0 && operation !== undefined && this.#retryOnReplica(operation, slot, statusAt(record)))
      return;
    table.release(slot);
    --this.#inFlight;
    if (operation === undefined) return; // given up: its caller knows already
    table.deadlines[slot] = Infinity;
    --this.#pending;
    const completion = this.#completion;
    readCompletion(completion, record, blocks);
    completion.timeout = table.timeouts[slot] as number;
    const index = table.indexes[slot] as number;
    if (this.lifecycle.isClosed) operation.fail(destroyedError(operation, index, mayBeApplied(completion)), index);
    else operation.complete(completion, index);
  }

  /** A read whose server failed goes to the next one that holds a copy (`num_replicas`), in the same slot. */
  #retryOnReplica(operation: PendingOperation, slot: number, status: number): boolean {
    const isAnswer = status === Status.Success || status === notFound || status === Status.BadCompression;
    const table = this.#table;
    const tried = table.triedReplicas[slot] as number;
    table.triedReplicas[slot] = 0;
    if (operation.op !== Op.Get && operation.op !== Op.Gets) return false;
    if (isAnswer || status === Status.BadTextKey || status === Status.Closed || this.lifecycle.isClosed) return false;
    if (tried >= Math.min(this.#replicas, this.servers.count - 1)) return false;
    // The native side would send it with today's behaviors: under another namespace it would be another key.
    if (table.placements[slot] !== this.#placements) return false;
    table.triedReplicas[slot] = tried + 1;
    this.#buffer.write(operation, table.indexes[slot] as number, slot, table.deadlines[slot] as number, tried + 1);
    this.#schedule.onWrite();
    return true;
  }

  // Giving up.

  #expire(slot: number): void {
    const table = this.#table;
    const operation = table.operations[slot] as PendingOperation;
    const index = table.indexes[slot] as number;
    const wireKey = operation.wireKeyAt(index);
    const replica = table.triedReplicas[slot] as number;
    const isForServer = operation.server >= 0 || wireKey === undefined;
    const server = isForServer ? operation.server : this.servers.route(wireKey, replica)[2];
    const timeout = table.timeouts[slot] as number;
    const wasSent = this.#abandon(slot);
    const error = deadlineError(operation, index, { server: this.servers.name(server), timeout, wasSent });
    this.servers.errors.count(server, error);
    operation.fail(error, index);
  }

  #abandonAll(operation: PendingOperation, slots: readonly number[]): void {
    for (const slot of slots) if (this.#table.operations[slot] === operation) this.#abandon(slot);
  }

  /** Nobody waits for it any longer; its slot is free when the native side completes it. True: it may have been sent. */
  #abandon(slot: number): boolean {
    this.#schedule.keep();
    this.#table.forget(slot);
    --this.#pending;
    return !this.#native.cancel(slot);
  }

  // Servers, behaviors and metrics.

  /** Changes the list of servers for later operations; those that were called before go where they were meant to go. */
  setServers(servers: ServerList): void {
    this.#schedule.endTick();
    this.servers.set(servers);
    ++this.#placements; // a read that was sent before finds its copies on other servers
  }

  #discoverBy(
    { addresses }: ServerList,
    interval: number,
    { tls, timeout }: Pick<NativeOptions, 'tls' | 'timeout'>,
  ): Discovery {
    return new Discovery({
      endpoint: addresses[0] as ServerAddress,
      tls,
      interval,
      timeout,
      onServers: (found) => {
        this.setServers({ list: found.map(serverName), addresses: found });
      },
      onUnknown: (error) => {
        this.#schedule.endTick();
        this.#native.failHeld(error.message);
      },
      onFailure: publishFailure,
    });
  }

  /** What a key may be. */
  get keyLimits(): KeyLimits {
    return this.#buffer.keyLimits;
  }

  /** Sets behaviors for later operations; those that were called before keep what they were called with. */
  setBehaviors(behaviors: NativeBehaviors): void {
    this.#schedule.endTick();
    this.#native.setBehaviors(behaviors);
    this.followBehaviors(behaviors);
  }

  /** Takes note of the behaviors that concern this side. */
  followBehaviors({ num_replicas: replicas, namespace }: NativeBehaviors): void {
    ++this.#placements;
    if (replicas !== undefined) this.#replicas = Number(replicas);
    if (namespace !== undefined) this.#buffer.namespaceBytes = Buffer.byteLength(String(namespace));
  }

  metrics(): ClientMetrics {
    return { pending: this.#pending, refused: this.#refused, servers: this.servers.metrics() };
  }
}
