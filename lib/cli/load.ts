/** The load of `bench`: so many operations in flight, over and over, each timed. */

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client, Key } from '../index';
import { Latencies } from './latencies';

export const workloads = ['get', 'set', 'mixed', 'incr'] as const;
export type Workload = (typeof workloads)[number];

export interface LoadOptions {
  readonly workload: Workload;
  /** Operations in flight. */
  readonly concurrency: number;
  readonly keys: number;
  /** Bytes of a value. */
  readonly size: number;
}

/** Of ten operations of the mixed load one is a set. */
const setsInMixed = 10;
/** What a measurement leaves behind if it is killed is gone after this many seconds. */
const maxLifetimeSeconds = 3600;
/** After a failure, so that a server that is down does not count as the fastest of all. */
const pauseAfterFailure = 20;

export class LoadGenerator {
  readonly latencies = new Latencies();
  /** By the error's name. */
  readonly failures = new Map<string, number>();
  readonly #client: Client;
  readonly #options: LoadOptions;
  readonly #keys: readonly string[];
  readonly #value: Buffer;
  #next = 0;

  constructor(client: Client, options: LoadOptions) {
    this.#client = client;
    this.#options = options;
    const prefix = `libmemcached-bench:${randomInt(2 ** 47).toString(36)}:`;
    this.#keys = Array.from({ length: options.keys }, (_, index) => `${prefix}${index}`);
    this.#value = randomBytes(options.size);
  }

  get done(): number {
    return this.latencies.count;
  }

  /** Stores every key. @throws the error of the first that could not be stored */
  async prepare(): Promise<void> {
    const value = this.#options.workload === 'incr' ? 0 : this.#value;
    const entries = new Map<Key, unknown>(this.#keys.map((key) => [key, value]));
    const [failed] = await this.#client.setMulti(entries, { time: maxLifetimeSeconds });
    // The multi-operation does not say why; this does.
    if (failed !== undefined) await this.#client.set(failed, value, maxLifetimeSeconds);
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#worker(signal)));
  }

  async cleanUp(): Promise<void> {
    await this.#client.deleteMulti(this.#keys);
  }

  async #worker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const number = this.#next++;
      const start = performance.now();
      try {
        await this.#operate(this.#keys[number % this.#keys.length] as string, number);
        this.latencies.record(performance.now() - start);
      } catch (error) {
        const { name } = error as Error;
        this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
        await sleep(pauseAfterFailure);
      }
    }
  }

  #operate(key: string, number: number): Promise<unknown> {
    switch (this.#options.workload) {
      case 'get':
        return this.#client.get(key);
      case 'set':
        return this.#client.set(key, this.#value, maxLifetimeSeconds);
      case 'incr':
        return this.#client.incr(key);
      case 'mixed':
        return number % setsInMixed === 0
          ? this.#client.set(key, this.#value, maxLifetimeSeconds)
          : this.#client.get(key);
    }
  }
}
