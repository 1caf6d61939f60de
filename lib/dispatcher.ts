/**
 * What is in flight: gives every operation a slot, submits once per tick, watches deadlines and abort signals, and
 * settles operations when their completions arrive. JavaScript's side of native/binding/client.h.
 */

import { Busy, ClientClosed, TimeoutError, describe, returnCode, type ErrorDetails } from './errors';
import { keyBytes, nameOf, type Key } from './keys';
import { ErrorCounts } from './metrics';
import { native, type NativeClient, type NativeClientOptions, type NativeServer } from './native';
import type { Operation, Reply, Waiter } from './operation';
import { Submission, type Details } from './submission';
import { Op, Outcome, completionWords, inBlock, operationNames, outcomeMask, serverShift, Status } from './wire';

/** Options that every operation takes. */
export interface CallOptions {
  /** Milliseconds from the call until the operation rejects with a TimeoutError; more than 0. Default: the client's. */
  timeout?: number | undefined;
  /** Aborted: the operation rejects with the signal's reason. What was sent already takes its course. */
  signal?: AbortSignal | undefined;
}

// Completions are read while they are being delivered, so one pair of arrays serves all clients of this thread.
const sharedRecords = new Uint32Array(1024 * completionWords);
const sharedBytes = Buffer.from(new ArrayBuffer(512 * 1024));
/** The clock is read once for so many operations: reading it costs as much as writing a short key. */
const operationsPerClockReading = 32;
const notFound = returnCode('NOTFOUND');
const firstSlots = 64;
const longestTimeout = 2 ** 31 - 1;

export interface DispatcherOptions extends Omit<NativeClientOptions, 'submission' | 'records' | 'bytes'> {
  timeout: number;
  maxPending: number;
  serverNames: readonly string[];
}

export class Dispatcher {
  readonly native: NativeClient;
  readonly submission: Submission;
  readonly timeout: number;
  readonly servers: readonly NativeServer[];
  /** `num_replicas` in force. */
  replicas = 0;
  readonly errors = new ErrorCounts();
  /** How often an operation was refused with Busy. */
  refused = 0;
  readonly #maxPending: number;
  readonly #serverNames: readonly string[];
  readonly #reply: Reply;

  /** By slot. Undefined: free, or given up by its caller while the native side still holds the slot. */
  readonly #waiters: (Waiter | undefined)[] = [];
  /** By slot; Infinity where nobody waits. */
  #deadlines = new Float64Array(firstSlots).fill(Infinity);
  /** By slot: which member of its waiter. */
  #members = new Uint32Array(firstSlots);
  /** By slot, of reads: how many servers after the key's own it was sent to. */
  #triedReplicas = new Uint8Array(firstSlots);
  readonly #freeSlots: number[] = [];
  /** Slots that the native side holds. */
  #inFlight = 0;
  #pending = 0;

  #flushScheduled = false;
  readonly #flush = (): void => {
    this.flush();
  };
  readonly #clockOffset = native.now() - performance.now();
  #now = 0;
  #operationsSinceClock = operationsPerClockReading;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweepAt = Infinity;

  /** Operations by slot that a signal may abort. */
  readonly #signals = new Map<AbortSignal, Map<number, Waiter>>();
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    const { timeout, maxPending, serverNames, ...nativeOptions } = options;
    this.timeout = timeout;
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
    const textOnly = options.protocol === 1;
    this.submission = new Submission(memory, this.native, textOnly);
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

  serverName(index: number): string {
    return this.#serverNames[index] ?? '';
  }

  /**
   * Returns the operation's slot.
   *
   * @throws what is wrong: with the key, the options, or the client's state
   */
  sendShort(operation: Operation, key: Key, options: CallOptions | undefined): number {
    return this.sendMemberShort(operation, 0, key, this.#admit(operation.op, options), options?.signal);
  }

  /** As sendShort, for one of several that were admitted together. */
  sendMemberShort(waiter: Waiter, member: number, key: Key, timeout: number, signal?: AbortSignal): number {
    this.submission.begin(waiter.op, key, false);
    const slot = this.#open(waiter, member, timeout, signal);
    this.submission.finish(waiter.op, slot, this.#deadlines[slot] as number, 0);
    return slot;
  }

  /** As sendShort, with a value or other details. */
  sendLong(
    operation: Operation,
    key: Key,
    value: string | Uint8Array,
    details: Details,
    options: CallOptions | undefined,
  ): number {
    const timeout = this.#admit(operation.op, options);
    return this.sendMemberLong(operation, 0, key, value, details, timeout, options?.signal);
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
    this.submission.finishLong(waiter.op, slot, this.#deadlines[slot] as number, value, details);
    return slot;
  }

  /** As sendShort, for an operation that concerns a server. */
  sendForServer(operation: Operation, expiry: number, value: string, options: CallOptions | undefined): number {
    const timeout = this.#admit(operation.op, options);
    const slot = this.#open(operation, 0, timeout, options?.signal);
    const deadline = this.#deadlines[slot] as number;
    this.submission.writeForServer(operation.op, slot, deadline, operation.server, expiry, value);
    return slot;
  }

  /**
   * Before the first of several operations: whether all of them may be sent. Returns the timeout that applies.
   *
   * @throws ClientClosed, Busy, or what is wrong with the options
   */
  admitMany(count: number, op: Op, options: CallOptions | undefined): number {
    const name = operationNames[op];
    if (this.#closed) throw new ClientClosed(`${name}: the client is closed`, { operation: name });
    if (count > this.#maxPending - this.#inFlight) throw this.#busy(name, count);
    return options === undefined ? this.timeout : checkCallOptions(options, this.timeout);
  }

  #busy(name: string, count: number): Busy {
    this.refused += count;
    return new Busy(
      `${name}: ${String(this.#inFlight)} operations are in flight (maxPending is ${String(this.#maxPending)})`,
      { operation: name },
    );
  }

  /** Gives up the members of a multi-operation that have not settled; `slots` by member. */
  abandonMany(waiter: Waiter, slots: readonly number[]): void {
    for (const [member, slot] of slots.entries()) {
      if (this.#waiters[slot] === waiter && this.#members[slot] === member) this.#abandon(slot);
    }
    if (this.#pending === 0) this.#onIdle?.();
  }

  /** Submits now what was called in this tick. */
  flush(): void {
    this.#flushScheduled = false;
    this.#operationsSinceClock = operationsPerClockReading;
    this.submission.flush();
  }

  /** Checks what can be refused without a slot; returns the timeout that applies. */
  #admit(op: Op, options: CallOptions | undefined): number {
    return this.admitMany(1, op, options);
  }

  #open(waiter: Waiter, member: number, timeout: number, signal: AbortSignal | undefined): number {
    const slot = this.#freeSlots.pop() ?? this.#waiters.length;
    this.#waiters[slot] = waiter;
    if (slot >= this.#deadlines.length) this.#growSlots();
    this.#members[slot] = member;
    if (++this.#operationsSinceClock > operationsPerClockReading) {
      this.#operationsSinceClock = 0;
      this.#now = performance.now() + this.#clockOffset;
    }
    const deadline = this.#now + timeout;
    this.#deadlines[slot] = deadline;
    if (deadline < this.#sweepAt) this.#scheduleSweep(deadline);
    ++this.#inFlight;
    ++this.#pending;
    if (signal !== undefined) this.#watch(signal, waiter, slot);
    this.#scheduleFlush();
    return slot;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After everything that this tick still calls, promise reactions included.
    process.nextTick(this.#flush);
  }

  #growSlots(): void {
    const size = this.#deadlines.length * 2;
    const deadlines = new Float64Array(size).fill(Infinity);
    deadlines.set(this.#deadlines);
    this.#deadlines = deadlines;
    const members = new Uint32Array(size);
    members.set(this.#members);
    this.#members = members;
    const triedReplicas = new Uint8Array(size);
    triedReplicas.set(this.#triedReplicas);
    this.#triedReplicas = triedReplicas;
  }

  /** One listener for each signal, however many operations it was given to: Node warns about many. */
  #watch(signal: AbortSignal, waiter: Waiter, slot: number): void {
    const watched = this.#signals.get(signal) ?? this.#listenTo(signal);
    watched.set(slot, waiter);
    waiter.detach = () => {
      watched.delete(slot);
      if (watched.size > 0 || this.#signals.get(signal) !== watched) return;
      this.#signals.delete(signal);
      signal.removeEventListener('abort', this.#onAbort);
    };
  }

  #listenTo(signal: AbortSignal): Map<number, Waiter> {
    const watched = new Map<number, Waiter>();
    this.#signals.set(signal, watched);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    return watched;
  }

  readonly #onAbort = (event: Event): void => {
    const signal = event.target as AbortSignal;
    const watched = this.#signals.get(signal) ?? new Map<number, Waiter>();
    this.#signals.delete(signal);
    for (const [slot, waiter] of watched) {
      const member = this.#members[slot] as number;
      this.#abandon(slot);
      waiter.fail(signal.reason, member);
    }
    if (this.#pending === 0) this.#onIdle?.();
  };

  /** Native → JavaScript: settles `count` operations from the shared arrays. */
  #deliver(count: number, blocks: readonly Buffer[] | undefined): void {
    const words = sharedRecords;
    const reply = this.#reply;
    for (let at = 0; at < count * completionWords; at += completionWords) {
      const slot = words[at] as number;
      const waiter = this.#waiters[slot];
      const status = (words[at + 1] as number) | 0;
      if (this.replicas > 0 && waiter !== undefined && this.#fallBack(waiter, slot, status)) continue;
      this.#waiters[slot] = undefined;
      this.#freeSlots.push(slot);
      --this.#inFlight;
      if (waiter === undefined) continue; // given up: its caller knows already
      this.#deadlines[slot] = Infinity;
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
      waiter.complete(reply, this.#members[slot] as number);
    }
    reply.bytes = sharedBytes; // do not keep a large value alive
    if (this.#pending === 0) this.#onIdle?.();
  }

  /** A read whose server failed goes to the next one that holds a copy (`num_replicas`), in the same slot. */
  #fallBack(waiter: Waiter, slot: number, status: number): boolean {
    const isAnswer = status === Status.Success || status === notFound || status === Status.BadCompression;
    const tried = this.#triedReplicas[slot] as number;
    this.#triedReplicas[slot] = 0;
    const key = waiter.wireKeyOf(this.#members[slot] as number);
    if ((waiter.op !== Op.Get && waiter.op !== Op.Gets) || key === undefined) return false;
    if (isAnswer || status === Status.BadTextKey || status === Status.Closed) return false;
    if (tried >= Math.min(this.replicas, this.#serverNames.length - 1)) return false;
    this.#triedReplicas[slot] = tried + 1;
    this.submission.begin(waiter.op, key, false);
    this.submission.finish(waiter.op, slot, this.#deadlines[slot] as number, tried + 1);
    this.#scheduleFlush();
    return true;
  }

  #scheduleSweep(at: number): void {
    this.#sweepAt = at;
    clearTimeout(this.#sweepTimer);
    const delay = Math.max(1, Math.ceil(at - (performance.now() + this.#clockOffset)));
    // Unreferenced: while anything is pending the native side keeps the process alive. And weak: the timer outlives
    // the operations that it was set for, and must not keep a forgotten client from being collected.
    const self = new WeakRef(this);
    this.#sweepTimer = setTimeout(() => {
      const dispatcher = self.deref();
      if (dispatcher !== undefined) dispatcher.#sweep();
    }, delay).unref();
  }

  /** Settles what is overdue, and finds when to look again. One pass over the slots, seldom: once per timeout. */
  #sweep(): void {
    this.#sweepAt = Infinity;
    const now = performance.now() + this.#clockOffset;
    let next = Infinity;
    for (let slot = 0; slot < this.#waiters.length; ++slot) {
      const deadline = this.#deadlines[slot] as number;
      if (deadline <= now) this.#expire(slot);
      else if (deadline < next) next = deadline;
    }
    if (next < this.#sweepAt) this.#scheduleSweep(next);
    if (this.#pending === 0) this.#onIdle?.();
  }

  #expire(slot: number): void {
    const waiter = this.#waiters[slot] as Waiter;
    const member = this.#members[slot] as number;
    const server = this.#serverOf(waiter, slot);
    const unsent = this.#abandon(slot);
    const isWrite = waiter.op >= Op.Delete && waiter.op <= Op.Flush;
    const what = unsent
      ? 'the time was over before it could be sent'
      : `the server did not answer in time${isWrite ? '; the write may or may not have been applied' : ''}`;
    const details = {
      ...detailsOf(waiter, member),
      server: this.serverName(server),
      retcode: returnCode('TIMEOUT'),
      outcomeUnknown: isWrite && !unsent,
    };
    const error = new TimeoutError(`${describe(details)}: ${what}`, details);
    this.errors.count(server, error);
    waiter.fail(error, member);
  }

  #serverOf(waiter: Waiter, slot: number): number {
    const wireKey = waiter.wireKeyOf(this.#members[slot] as number);
    const tried = this.#triedReplicas[slot] as number;
    const index = wireKey === undefined ? waiter.server : this.native.route(keyBytes(wireKey))[2] + tried;
    return index % this.#serverNames.length;
  }

  /** Nobody waits for it any longer; its slot is free when the native side gives it back. True: it was not sent. */
  #abandon(slot: number): boolean {
    if (this.#flushScheduled) this.flush(); // the native side must know a slot before it is cancelled
    this.#waiters[slot]?.detach?.();
    this.#waiters[slot] = undefined;
    this.#deadlines[slot] = Infinity;
    this.#triedReplicas[slot] = 0;
    --this.#pending;
    return this.native.cancel(slot);
  }

  /** No new operations; resolves when those that are pending have settled, and the native side has been stopped. */
  close(): Promise<void> {
    this.#closed = true;
    this.flush();
    return new Promise((resolve) => {
      const previous = this.#onIdle;
      const stop = (): void => {
        this.#stop();
        previous?.();
        resolve();
      };
      if (this.#pending === 0) stop();
      else this.#onIdle = stop;
    });
  }

  /** No new operations; those that are pending reject with ClientClosed. */
  destroy(): void {
    this.#closed = true;
    this.flush();
    for (let slot = 0; slot < this.#waiters.length; ++slot) {
      const waiter = this.#waiters[slot];
      if (waiter === undefined) continue;
      const member = this.#members[slot] as number;
      const unsent = this.#abandon(slot);
      const name = operationNames[waiter.op];
      const details = { ...detailsOf(waiter, member), outcomeUnknown: !unsent && waiter.op >= Op.Delete };
      waiter.fail(new ClientClosed(`${name}: the client was destroyed`, details), member);
    }
    this.#stop();
    this.#onIdle?.();
  }

  #stop(): void {
    clearTimeout(this.#sweepTimer);
    this.native.stop();
  }
}

function detailsOf(waiter: Waiter, member: number): ErrorDetails {
  const key = waiter.keyOf(member);
  return { operation: operationNames[waiter.op], ...(key === undefined ? {} : { key }) };
}

/**
 * The timeout that applies.
 *
 * @throws TypeError or RangeError for malformed options, the signal's reason if it is aborted already
 */
export function checkCallOptions(options: CallOptions, otherwise: number): number {
  if (typeof options !== 'object') throw new TypeError(`options must be an object, not ${nameOf(options)}`);
  const { signal, timeout } = options;
  if (signal !== undefined) {
    if (!(signal instanceof AbortSignal)) throw new TypeError(`signal must be an AbortSignal, not ${nameOf(signal)}`);
    signal.throwIfAborted();
  }
  return timeout === undefined ? otherwise : checkTimeout(timeout);
}

/** @throws TypeError unless it is a number, RangeError unless it is more than 0 and below 2^31 */
export function checkTimeout(timeout: number): number {
  if (typeof timeout !== 'number')
    throw new TypeError(`timeout must be a number of milliseconds, not ${nameOf(timeout)}`);
  if (!(timeout > 0 && timeout <= longestTimeout))
    throw new RangeError(`timeout must be more than 0 and less than 2^31 milliseconds: ${String(timeout)}`);
  return timeout;
}
