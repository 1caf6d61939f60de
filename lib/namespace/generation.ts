/**
 * A namespace's generation: the random part of its keys' prefix. It is stored under a key of its own; another one there
 * is what invalidates the namespace.
 *
 * Every operation reads it, or other processes' invalidations would be missed. That costs no round trip: the operation
 * is sent beside the read, with the generation that was seen last, and once more if the read says something else. What
 * the first attempt wrote then lies where nobody looks.
 */

import type { CallOptions } from '../options/call-options';
import type { Dispatcher } from '../dispatch/dispatcher';
import { Failure, MemcachedError } from '../errors';
import { miss } from '../operations/decoders';
import { rejecting, rejection } from '../operations/rejecting';
import { internalPrefix } from '../options/keys';
import type { InternalItems } from '../read-through/internal-items';
import { now, nextTick } from '../timing';
import { randomText } from '../random-text';

/**
 * 72 random bits: never twice. A counter that was evicted would start again, and bring old values back; so would a clock
 * that is set back.
 */
const generationBytes = 9;
const generationLength = 12;
const wellFormed = /^[\w-]{12}$/;
const generationKeyPrefix = `${internalPrefix}generation:`;
/** Reads and adds until a generation is found or made: a second time if another process was faster. */
const maxAttempts = 5;

/** Sends an operation for keys with this prefix. `late`: the options that differ because it is not sent at once. */
export type Send<T> = (prefix: string, late: CallOptions | undefined) => Promise<T>;

/** An operation whose generation is not known for sure yet. */
class Call<T> {
  readonly #send: Send<T>;
  readonly #deadline: number;
  /** By prefix. Nearly always one. */
  readonly #attempts: { prefix: string; result: Promise<T> }[] = [];

  constructor(send: Send<T>, timeout: number) {
    this.#send = send;
    this.#deadline = now() + timeout;
  }

  /** Sends it, but never twice to the same generation: a counter must not count twice. */
  sendTo(prefix: string, isLate: boolean): void {
    if (this.resultOf(prefix) !== undefined) return;
    const late = isLate ? { timeout: Math.max(1, this.#deadline - now()) } : undefined;
    // Whatever is thrown is this call's own, and no reason for others not to be sent.
    const result = rejecting(() => this.#send(prefix, late));
    result.catch(ignore); // if it is not the one that counts, nobody else looks
    this.#attempts.push({ prefix, result });
  }

  resultOf(prefix: string): Promise<T> | undefined {
    for (const attempt of this.#attempts) if (attempt.prefix === prefix) return attempt.result;
    return undefined;
  }

  lastResult(): Promise<T> | undefined {
    return this.#attempts.at(-1)?.result;
  }
}

export class Generation {
  readonly #name: string;
  readonly #key: string;
  readonly #items: InternalItems;
  readonly #dispatcher: Dispatcher;
  /** The prefix of the generation that was seen last. All of #calls were sent to it. */
  #known: string | undefined;
  /** In the order in which they were called. */
  readonly #calls = new Set<Call<unknown>>();
  /** The read that the calls of one tick share. */
  #shared: Promise<string> | undefined;

  constructor(name: string, items: InternalItems, dispatcher: Dispatcher) {
    this.#name = name;
    this.#key = generationKeyPrefix + name;
    this.#items = items;
    this.#dispatcher = dispatcher;
  }

  /** How many bytes of a key go to the prefix. */
  get prefixBytes(): number {
    return Buffer.byteLength(this.#name) + generationLength + 2;
  }

  /**
   * Runs an operation on the generation that is current while it runs. `isWrite`: an error leaves its outcome unknown
   * if it was sent.
   *
   * @throws ClientClosed
   */
  run<T>(operation: string, send: Send<T>, options: CallOptions | undefined, isWrite: boolean): Promise<T> {
    this.#dispatcher.lifecycle.begin(operation);
    const call = new Call(send, options?.timeout ?? this.#dispatcher.timeout);
    if (this.#known !== undefined) call.sendTo(this.#known, false);
    this.#calls.add(call);
    return this.#current(options).then(
      (prefix) => {
        this.#follow(prefix);
        this.#end(call);
        return call.resultOf(prefix) as Promise<T>;
      },
      (error: unknown) => {
        this.#end(call);
        return isWrite ? failureOfWrite(error, call) : rejection(error);
      },
    );
  }

  /** What it is to send was sent. */
  #end(call: Call<unknown>): void {
    this.#calls.delete(call);
    this.#dispatcher.lifecycle.release();
  }

  /** Nothing that was stored before is found any longer. Rejects if that is not certain. */
  async invalidate(options: CallOptions | undefined): Promise<void> {
    const generation = newGeneration();
    this.#dispatcher.lifecycle.begin('invalidate');
    try {
      this.#shared = undefined; // it is read before
      await this.#items.set(this.#key, generation, 0, options);
      this.#follow(this.#prefixOf(generation));
    } finally {
      this.#dispatcher.lifecycle.release();
    }
  }

  /** From now on operations go to this generation; those that went elsewhere follow, in their order. */
  #follow(prefix: string): void {
    if (this.#known === prefix) return;
    this.#known = prefix;
    for (const call of this.#calls) call.sendTo(prefix, true);
  }

  #prefixOf(generation: string): string {
    return `${this.#name}:${generation}:`;
  }

  /** The prefix of the generation that is stored while this runs. */
  #current(options: CallOptions | undefined): Promise<string> {
    if (options?.timeout !== undefined || options?.signal !== undefined) return this.#read(options);
    if (this.#shared === undefined) {
      // Requests leave at the end of a tick, so what this tick still calls is called before the read is sent.
      nextTick(() => {
        this.#shared = undefined;
      });
      this.#shared = this.#read(undefined);
    }
    return this.#shared;
  }

  async #read(options: CallOptions | undefined): Promise<string> {
    const start = now();
    let left = options;
    for (let attempt = 0; attempt < maxAttempts; ++attempt) {
      const found = await this.#items.get(this.#key, left);
      if (found !== miss) return this.#prefixOf(this.#checked(found));
      const timeout = (options?.timeout ?? this.#dispatcher.timeout) - (now() - start);
      left = { ...options, timeout: Math.max(1, timeout) };
      // It was never there, or was evicted. Add: another process may be doing the same.
      const made = newGeneration();
      if (await this.#items.add(this.#key, made, 0, left)) return this.#prefixOf(made);
    }
    throw new Failure(`namespace ${this.#name}: its generation is lost as fast as it is made`, { key: this.#key });
  }

  #checked(generation: string): string {
    if (wellFormed.test(generation)) return generation;
    throw new Failure(`namespace ${this.#name}: what is stored under ${this.#key} is not a generation`, {
      key: this.#key,
    });
  }
}

function newGeneration(): string {
  return randomText(generationBytes);
}

/** The generation could not be read. The write may have been carried out all the same. */
async function failureOfWrite(error: unknown, call: Call<unknown>): Promise<never> {
  const attempt = call.lastResult();
  if (attempt === undefined || !(error instanceof MemcachedError)) throw error;
  await attempt; // rejects with the write's own error
  throw Object.assign(error, { outcomeUnknown: true });
}

function ignore(): void {
  // See where it is used.
}
