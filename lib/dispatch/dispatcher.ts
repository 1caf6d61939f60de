/**
 * What is in flight: gives every operation a slot, submits once per tick, watches deadlines and abort signals, and
 * settles operations when their completions arrive. JavaScript's side of native/binding/client.h.
 */

import { onAbort } from './abort';
import { checkCallOptions, type CallOptions } from '../options/call-options';
import { DeadlineTimer } from './deadline-timer';
import { Busy, ClientClosed, TimeoutError, describe, returnCode, type ErrorDetails } from '../errors';
import { keyBytes, type Key } from '../options/keys';
import { ErrorCounts } from '../observability/metrics';
import { native, type NativeClient, type NativeClientOptions, type NativeServer } from '../addon/addon';
import type { Operation, Reply, Waiter } from '../operations/operation';
import { Overdue } from './overdue';
import { runInSlices } from './slices';
import { Slots } from './pending-table';
import { Submission, type Details } from './submission-buffer';
import {
  Handover,
  Op,
  Outcome,
  Status,
  completionWords,
  inBlock,
  isWrite,
  operationNames,
  outcomeMask,
  serverShift,
} from '../addon/record-layout';

// Completions are read while they are being delivered, so one pair of arrays serves all clients of this thread.
const sharedRecords = new Uint32Array(1024 * completionWords);
const sharedBytes = Buffer.from(new ArrayBuffer(512 * 1024));
/** The clock is read once for so many operations of a tick: reading it costs as much as writing a short key. */
const operationsPerClockReading = 8;
/**
 * While a tick still calls, what it called leaves in portions: so the server works while callers go on. Measured against
 * one send a tick: half as much again at 10 in flight, equal at 100. Each portion costs a system call, so it is a third
 * of what is in flight: server, wire and client then have one each.
 */
const portionShare = 3;
const minPortion = 3;
const notFound = returnCode('NOTFOUND');

export interface DispatcherOptions extends Omit<NativeClientOptions, 'submission' | 'records' | 'bytes'> {
  maxPending: number;
  serverNames: readonly string[];
}

export class Dispatcher {
  readonly native: NativeClient;
  readonly submission: Submission;
  readonly timeout: number;
  readonly servers: readonly NativeServer[];
  readonly errors = new ErrorCounts();
  /** How often an operation was refused with Busy. */
  refused = 0;
  readonly #maxPending: number;
  readonly #serverNames: readonly string[];
  readonly #reply: Reply;

  readonly #slots = new Slots();
  /** Slots that the native side holds. */
  #inFlight = 0;
  #pending = 0;

  #flushScheduled = false;
  /** Operations since the last flush. */
  #unsent = 0;
  #isDelivering = false;
  readonly #flush = (): void => {
    this.flush();
  };
  readonly #clockOffset = native.now() - performance.now();
  #now = 0;
  #operationsSinceClock = operationsPerClockReading;
  readonly #deadlineTimer: DeadlineTimer<Dispatcher>;
  readonly #overdue: Overdue;

  /** `num_replicas` in force. */
  #replicas = 0;
  /** How often behaviors were set. */
  #behaviors = 0;

  /** Callers are refused. */
  #isClosing = false;
  /** Everybody is refused. */
  #isClosed = false;
  /** Calls of several operations, which will send more of them. */
  #composites = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    const { maxPending, serverNames, ...nativeOptions } = options;
    this.timeout = options.timeout;
    this.#maxPending = maxPending;
    this.servers = options.servers;
    this.#serverNames = serverNames;
    const memory = Submission.allocate();
    this.native = new native.NativeClient({
      ...nativeOptions,
      submission: new Uint8Array(memory),
      records: sharedRecords,
      bytes: sharedBytes,
    });
    this.native.deliver = (count, blocks) => {
      this.#deliver(count, blocks);
    };
    const resume = (): void => {
      this.native.resume();
    };
    this.native.yield = () => {
      setImmediate(resume);
    };
    const offset = this.#clockOffset;
    const now = (): number => performance.now() + offset;
    this.#deadlineTimer = new DeadlineTimer<Dispatcher>(this, now, (dispatcher) => {
      dispatcher.#overdue.start();
    });
    this.#overdue = new Overdue({
      slots: this.#slots,
      timer: this.#deadlineTimer,
      now,
      receive: () => this.native.receive(),
      expire: (slot) => {
        this.#expire(slot);
      },
      onEnd: () => {
        this.#checkIdle();
      },
    });
    this.submission = new Submission(memory, this.native, !options.binary);
    this.#reply = {
      status: 0,
      outcome: Outcome.Definite,
      server: 0,
      flags: 0,
      bytes: sharedBytes,
      start: 0,
      end: 0,
      isOwned: false,
      numberLow: 0,
      numberHigh: 0,
    };
  }

  /** Operations that are not settled. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether callers are refused. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  serverName(index: number): string {
    return this.#serverNames[index] ?? '';
  }

  /** Later operations have other behaviors; those that were called keep theirs. */
  followBehaviors({ replicas, namespaceBytes }: { replicas?: number; namespaceBytes?: number }): void {
    ++this.#behaviors;
    if (replicas !== undefined) this.#replicas = replicas;
    if (namespaceBytes !== undefined) this.submission.namespaceBytes = namespaceBytes;
  }

  /**
   * Returns the operation's slot. `isFollowUp`: it belongs to a call that has begun (see `enter`).
   *
   * @throws what is wrong: with the key, the options, or the client's state
   */
  sendShort(operation: Operation, key: Key, options: CallOptions | undefined, isFollowUp: boolean): number {
    const timeout = this.admitMany(1, operation.op, options, isFollowUp);
    const slot = this.sendMemberShort(operation, 0, key, timeout, options?.signal);
    this.#sendPortion();
    return slot;
  }

  /** As sendShort, for one of several that were admitted together. */
  sendMemberShort(waiter: Waiter, member: number, key: Key, timeout: number, signal?: AbortSignal): number {
    this.submission.begin(waiter.op, key, false);
    const slot = this.#open(waiter, member, timeout, signal);
    this.submission.finish(waiter.op, slot, this.#slots.deadlines[slot] as number, 0);
    return slot;
  }

  /** As sendShort, with a value or other details. */
  sendLong(
    operation: Operation,
    key: Key,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
    isFollowUp: boolean,
  ): number {
    const timeout = this.admitMany(1, operation.op, options, isFollowUp);
    const slot = this.sendMemberLong(operation, 0, key, value, details, timeout, options?.signal);
    this.#sendPortion();
    return slot;
  }

  /** As sendLong, for one of several that were admitted together. */
  sendMemberLong(
    waiter: Waiter,
    member: number,
    key: Key,
    value: string | Uint8Array,
    details: Details,
    timeout: number,
    signal?: AbortSignal,
  ): number {
    this.submission.begin(waiter.op, key, true);
    const slot = this.#open(waiter, member, timeout, signal);
    try {
      this.submission.finishLong(waiter.op, slot, this.#slots.deadlines[slot] as number, value, details);
    } catch (error) {
      this.#takeBack(waiter, slot); // the native side has not heard of it
      throw error;
    }
    return slot;
  }

  /** As sendShort, for an operation that concerns a server. */
  sendForServer(operation: Operation, expiry: number, value: string, options: CallOptions | undefined): number {
    const timeout = this.admitMany(1, operation.op, options, false);
    const slot = this.#open(operation, 0, timeout, options?.signal);
    const deadline = this.#slots.deadlines[slot] as number;
    this.submission.writeForServer(operation.op, slot, deadline, operation.server, expiry, value);
    return slot;
  }

  /**
   * Before the first of several operations: whether all of them may be sent. Returns the timeout that applies.
   *
   * @throws ClientClosed, Busy, or what is wrong with the options
   */
  admitMany(count: number, op: Op, options: CallOptions | undefined, isFollowUp: boolean): number {
    const name = operationNames[op];
    if (isFollowUp ? this.#isClosed : this.#isClosing) throw closed(name);
    if (count > this.#maxPending - this.#inFlight) throw this.#busy(name, count);
    return options === undefined ? this.timeout : checkCallOptions(options, this.timeout);
  }

  #busy(name: string, count: number): Busy {
    this.refused += count;
    const wanted = count === 1 ? '' : `, and ${String(count)} more were wanted`;
    const limit = `maxPending is ${String(this.#maxPending)}`;
    const message = `${name}: ${String(this.#inFlight)} operations are in flight${wanted} (${limit})`;
    return new Busy(message, { operation: name });
  }

  /**
   * A call begins that sends one operation after another, as follow-ups: `close` waits for it, until `leave`.
   *
   * @throws ClientClosed
   */
  enter(name: string): void {
    if (this.#isClosing) throw closed(name);
    this.hold();
  }

  /** As `enter`, for a part of a call that has begun. */
  hold(): void {
    ++this.#composites;
  }

  leave(): void {
    --this.#composites;
    this.#checkIdle();
  }

  /** Gives up the members of a multi-operation that have not settled; `slots`, if they are known. */
  abandonMany(waiter: Waiter, slots?: readonly number[]): void {
    const { waiters } = this.#slots;
    for (const slot of slots ?? waiters.keys()) {
      if (waiters[slot] === waiter) this.#abandon(slot);
    }
    this.#checkIdle();
  }

  /** Submits now what was called in this tick. */
  flush(): void {
    this.#flushScheduled = false;
    this.#operationsSinceClock = operationsPerClockReading;
    this.#unsent = 0;
    this.submission.flush(Handover.EndTick);
  }

  /** Between single operations only: the keys of a multi-operation belong together. */
  #sendPortion(): void {
    // A codec may call us while completions are delivered; what it calls then leaves with the rest of the tick.
    if (this.#unsent < minPortion || this.#unsent * portionShare < this.#inFlight || this.#isDelivering) return;
    this.#unsent = 0;
    this.submission.flush(Handover.Send);
  }

  #open(waiter: Waiter, member: number, timeout: number, signal: AbortSignal | undefined): number {
    const slots = this.#slots;
    const slot = slots.take(waiter, member);
    // A timeout of the caller's own may be short: it counts from the call exactly.
    if (++this.#operationsSinceClock > operationsPerClockReading || timeout !== this.timeout) {
      this.#operationsSinceClock = 0;
      this.#now = performance.now() + this.#clockOffset;
    }
    const deadline = this.#now + timeout;
    slots.deadlines[slot] = deadline;
    slots.behaviors[slot] = this.#behaviors;
    this.#deadlineTimer.set(deadline);
    ++this.#inFlight;
    ++this.#pending;
    ++this.#unsent;
    if (signal !== undefined) this.#watch(signal, waiter, slot);
    this.#scheduleFlush();
    return slot;
  }

  #takeBack(waiter: Waiter, slot: number): void {
    waiter.detach?.();
    this.#slots.forget(slot);
    this.#slots.release(slot);
    --this.#inFlight;
    --this.#pending;
    this.#checkIdle();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After everything that this tick still calls, promise reactions included.
    process.nextTick(this.#flush);
  }

  #watch(signal: AbortSignal, waiter: Waiter, slot: number): void {
    waiter.detach = onAbort(signal, () => {
      const member = this.#slots.members[slot] as number;
      this.#abandon(slot);
      waiter.fail(signal.reason, member);
      this.#checkIdle();
    });
  }

  /** Native → JavaScript: settles `count` operations from the shared arrays. */
  #deliver(count: number, blocks: readonly Buffer[] | undefined): void {
    this.#isDelivering = true;
    try {
      this.#settle(count, blocks);
    } finally {
      this.#isDelivering = false;
      this.#reply.bytes = sharedBytes; // do not keep a large value alive
    }
    this.#checkIdle();
  }

  #settle(count: number, blocks: readonly Buffer[] | undefined): void {
    const words = sharedRecords;
    const slots = this.#slots;
    const reply = this.#reply;
    for (let at = 0; at < count * completionWords; at += completionWords) {
      const slot = words[at] as number;
      const waiter = slots.waiters[slot];
      const status = (words[at + 1] as number) | 0;
      if (this.#replicas > 0 && waiter !== undefined && this.#fallBack(waiter, slot, status)) continue;
      slots.release(slot);
      --this.#inFlight;
      if (waiter === undefined) continue; // given up: its caller knows already
      slots.deadlines[slot] = Infinity;
      --this.#pending;
      if (waiter.detach !== undefined) waiter.detach();
      const kind = words[at + 2] as number;
      const length = words[at + 5] as number;
      reply.status = status;
      reply.outcome = (kind & outcomeMask) as Outcome;
      reply.server = kind >>> serverShift;
      reply.flags = words[at + 3] as number;
      reply.isOwned = (kind & inBlock) !== 0;
      const offset = words[at + 4] as number;
      reply.bytes = reply.isOwned ? ((blocks as readonly Buffer[])[offset] as Buffer) : sharedBytes;
      reply.start = reply.isOwned ? 0 : offset;
      reply.end = reply.start + length;
      reply.numberLow = words[at + 6] as number;
      reply.numberHigh = words[at + 7] as number;
      const member = slots.members[slot] as number;
      if (this.#isClosed) this.#failClosed(waiter, member, isWrite(waiter.op) && mayBeApplied(reply));
      else waiter.complete(reply, member);
    }
  }

  /** A read whose server failed goes to the next one that holds a copy (`num_replicas`), in the same slot. */
  #fallBack(waiter: Waiter, slot: number, status: number): boolean {
    const isAnswer = status === Status.Success || status === notFound || status === Status.BadCompression;
    const slots = this.#slots;
    const tried = slots.triedReplicas[slot] as number;
    slots.triedReplicas[slot] = 0;
    const key = waiter.wireKeyOf(slots.members[slot] as number);
    if ((waiter.op !== Op.Get && waiter.op !== Op.Gets) || key === undefined) return false;
    if (isAnswer || status === Status.BadTextKey || status === Status.Closed || this.#isClosed) return false;
    if (tried >= Math.min(this.#replicas, this.#serverNames.length - 1)) return false;
    // The native side would send it with today's behaviors: under another namespace it would be another key.
    if (slots.behaviors[slot] !== this.#behaviors) return false;
    slots.triedReplicas[slot] = tried + 1;
    this.submission.begin(waiter.op, key, false);
    this.submission.finish(waiter.op, slot, slots.deadlines[slot] as number, tried + 1);
    this.#scheduleFlush();
    return true;
  }

  #expire(slot: number): void {
    const waiter = this.#slots.waiters[slot] as Waiter;
    const member = this.#slots.members[slot] as number;
    const server = this.#serverOf(waiter, slot);
    const unsent = this.#abandon(slot);
    const mayBeApplied = !unsent && isWrite(waiter.op);
    const what = unsent
      ? 'the time was over before it could be sent'
      : `the server did not answer in time${mayBeApplied ? '; the write may or may not have been applied' : ''}`;
    const details = {
      ...detailsOf(waiter, member),
      server: this.serverName(server),
      retcode: returnCode('TIMEOUT'),
      outcomeUnknown: mayBeApplied,
    };
    const error = new TimeoutError(`${describe(details)}: ${what}`, details);
    this.errors.count(server, error);
    waiter.fail(error, member);
  }

  #serverOf(waiter: Waiter, slot: number): number {
    const wireKey = waiter.wireKeyOf(this.#slots.members[slot] as number);
    if (wireKey === undefined) return waiter.server;
    return this.native.route(keyBytes(wireKey), this.#slots.triedReplicas[slot] as number)[2];
  }

  /** Nobody waits for it any longer; its slot is free when the native side gives it back. True: it was not sent. */
  #abandon(slot: number): boolean {
    // The native side must know a slot before it is cancelled; sent it is not, unless it was already.
    if (this.#flushScheduled) this.submission.flush(Handover.Keep);
    this.#slots.waiters[slot]?.detach?.();
    this.#slots.forget(slot);
    --this.#pending;
    return this.native.cancel(slot);
  }

  /** No new calls; resolves when those that are pending have settled, and the native side has been stopped. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.flush();
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = undefined;
        this.#stop();
        resolve();
      };
      this.#checkIdle();
    });
  }

  /** No new operations; those that are pending reject with ClientClosed, also if they are answered before their turn. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    this.#isClosed = true;
    this.submission.flush(Handover.Keep); // nothing of it is sent any longer
    this.#overdue.stop();
    const { waiters, members } = this.#slots;
    let slot = 0;
    runInSlices(() => {
      if (slot === waiters.length) {
        this.#stop();
        this.#onIdle?.();
        return false;
      }
      const waiter = waiters[slot];
      if (waiter !== undefined) {
        const unsent = this.#abandon(slot);
        this.#failClosed(waiter, members[slot] as number, !unsent && isWrite(waiter.op));
      }
      ++slot;
      return true;
    });
  }

  #failClosed(waiter: Waiter, member: number, outcomeUnknown: boolean): void {
    const details = { ...detailsOf(waiter, member), outcomeUnknown };
    waiter.fail(new ClientClosed(`${operationNames[waiter.op]}: the client was destroyed`, details), member);
  }

  #checkIdle(): void {
    if (this.#onIdle !== undefined && this.#pending === 0 && this.#composites === 0) this.#onIdle();
  }

  #stop(): void {
    this.#isClosed = true;
    this.#overdue.stop();
    this.native.stop();
  }
}

/** Of a write: what the server said, or did not say, leaves that open. */
function mayBeApplied(reply: Reply): boolean {
  return reply.status === Status.Success || reply.outcome === Outcome.Unknown;
}

function closed(name: string): ClientClosed {
  return new ClientClosed(`${name}: the client is closed`, { operation: name });
}

function detailsOf(waiter: Waiter, member: number): ErrorDetails {
  const key = waiter.keyOf(member);
  return { operation: operationNames[waiter.op], ...(key === undefined ? {} : { key }) };
}
