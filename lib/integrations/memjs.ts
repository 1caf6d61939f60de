/**
 * `libmemcached/memjs`: the interface of the npm package memjs 1.3.2, on this package's clients. For programs that use that
 * package, and for libraries that do.
 */

import type { Client as OwnClient, RawValue } from '../index';
import { attempt } from './memjs/attempt';
import { answerError, checkCallback, settle } from './memjs/answers';
import { firstOf, flagBytes, hashCode, opcodes, readExtras, toBytes, toUint32, writeExtras } from './memjs/arguments';
import {
  withClientDefaults,
  type ClientOptions,
  type FullClientOptions,
  type FullServerOptions,
  type IncrementDecrementOptions,
  type InsertOptions,
  type Logger,
  type Serializer,
  type ServerOptions,
} from './memjs/options';
import { parseServers, Server } from './memjs/server';

type SuccessCallback = (error: Error | null, success: boolean | null) => void;
type CounterCallback = (error: Error | null, success: boolean | null, value?: number | null) => void;
type StatsCallback = (error: Error | null, server: string, stats: Record<string, string> | null) => void;
/** The older form of writes: `(key, value, callback, expires)`. */
type OptionsOrCallback<Options, Callback> = Options | Callback | null | undefined;

const toBoolean = (result: unknown): boolean => result as boolean;

/** A client of memjs' kind. docs/migrating-from-memjs.md says what differs from memjs 1.3.2. */
export class Client<TIn = string | Buffer, TOut = Buffer | null> {
  readonly servers: readonly Server[];
  readonly options: FullClientOptions<TIn, TOut>;
  readonly serializer: Serializer<TIn, TOut>;

  /**
   * Returns a client of the servers in `[user:password@]host[:port],…`. Default: those in the environment's
   * MEMCACHIER_SERVERS or MEMCACHE_SERVERS, or `localhost:11211`. Their credentials: those in the list, those in the options,
   * those in MEMCACHIER_USERNAME and MEMCACHIER_PASSWORD, or MEMCACHE_USERNAME and MEMCACHE_PASSWORD.
   *
   * @throws as this package's own client does
   */
  static create<TIn = string | Buffer, TOut = Buffer | null>(
    servers?: string,
    options?: ClientOptions<TIn, TOut> & ServerOptions,
  ): Client<TIn, TOut> {
    const { MEMCACHIER_SERVERS, MEMCACHE_SERVERS } = process.env;
    const list = firstOf(servers, MEMCACHIER_SERVERS, MEMCACHE_SERVERS) ?? 'localhost:11211';
    return new Client(parseServers(list, options), options);
  }

  constructor(servers: readonly Server[], options: ClientOptions<TIn, TOut> = {}) {
    this.servers = servers;
    this.options = withClientDefaults(options);
    this.serializer = this.options.serializer;
  }

  /** The index of a key's server in `servers`. Programs may replace it. */
  getServer(key: string): number {
    return hashCode(key) % this.servers.length;
  }

  /** The server of a key; with `failover`, the next one that is not left out. Null if all are. */
  server(key: string): Server | null {
    const total = this.servers.length;
    const start = total > 1 ? this.getServer(key) : 0;
    for (let step = 0; step < total; step += 1) {
      const server = this.servers[(start + step) % total] as Server;
      if (!(Number(server.wakeupAt) > Date.now())) return server;
    }
    return null;
  }

  /** Of a miss, both are null. */
  get(key: string): Promise<{ value: TOut; flags: Buffer | null }>;
  get(key: string, callback: (error: Error | null, value: TOut, flags: Buffer | null) => void): void;
  get(key: string, callback?: unknown): unknown {
    const run = (): Promise<unknown[]> =>
      this.#send('GET', key, (client, wireKey) => client.get<RawValue>(wireKey)).then((found) => {
        if (found === undefined) return [null, null];
        const { value, extras } = this.serializer.deserialize(opcodes.get, found.data, flagBytes(found.flags));
        return [value, extras];
      });
    return settle(callback, run, (value, flags) => ({ value, flags }));
  }

  set(key: string, value: TIn, options?: InsertOptions): Promise<boolean>;
  set(key: string, value: TIn, callback: SuccessCallback, expires?: number): void;
  set(key: string, value: TIn, options: InsertOptions, callback: SuccessCallback): void;
  set(
    key: string,
    value: TIn,
    options?: OptionsOrCallback<InsertOptions, SuccessCallback>,
    callback?: unknown,
  ): unknown {
    return this.#store('set', key, value, options, callback);
  }

  /** False: the key is there already. */
  add(key: string, value: TIn, options?: InsertOptions): Promise<boolean>;
  add(key: string, value: TIn, callback: SuccessCallback, expires?: number): void;
  add(key: string, value: TIn, options: InsertOptions, callback: SuccessCallback): void;
  add(
    key: string,
    value: TIn,
    options?: OptionsOrCallback<InsertOptions, SuccessCallback>,
    callback?: unknown,
  ): unknown {
    return this.#store('add', key, value, options, callback);
  }

  /** False: the key is not there. */
  replace(key: string, value: TIn, options?: InsertOptions): Promise<boolean>;
  replace(key: string, value: TIn, callback: SuccessCallback, expires?: number): void;
  replace(key: string, value: TIn, options: InsertOptions, callback: SuccessCallback): void;
  replace(
    key: string,
    value: TIn,
    options?: OptionsOrCallback<InsertOptions, SuccessCallback>,
    callback?: unknown,
  ): unknown {
    return this.#store('replace', key, value, options, callback);
  }

  /** False: the key was not there. */
  delete(key: string): Promise<boolean>;
  delete(key: string, callback: SuccessCallback): void;
  delete(key: string, callback?: unknown): unknown {
    const run = (): Promise<unknown[]> =>
      this.#send('DELETE', key, (client, wireKey) => client.delete(wireKey)).then((deleted) => [deleted]);
    return settle(callback, run, toBoolean);
  }

  /** The new value; of a key that is not there, `initial` is stored. */
  increment(key: string, amount: number, options?: IncrementDecrementOptions): Promise<Counter>;
  increment(key: string, amount: number, callback: CounterCallback, expires?: number, initial?: number): void;
  increment(key: string, amount: number, options: IncrementDecrementOptions, callback: CounterCallback): void;
  increment(key: string, amount: number, ...rest: unknown[]): unknown {
    return this.#count('incr', key, amount, rest);
  }

  /** The new value, not below 0; of a key that is not there, `initial` is stored. */
  decrement(key: string, amount: number, options?: IncrementDecrementOptions): Promise<Counter>;
  decrement(key: string, amount: number, callback: CounterCallback, expires?: number, initial?: number): void;
  decrement(key: string, amount: number, options: IncrementDecrementOptions, callback: CounterCallback): void;
  decrement(key: string, amount: number, ...rest: unknown[]): unknown {
    return this.#count('decr', key, amount, rest);
  }

  append(key: string, value: TIn): Promise<boolean>;
  append(key: string, value: TIn, callback: SuccessCallback): void;
  append(key: string, value: TIn, callback?: unknown): unknown {
    return this.#extend('append', key, value, callback);
  }

  prepend(key: string, value: TIn): Promise<boolean>;
  prepend(key: string, value: TIn, callback: SuccessCallback): void;
  prepend(key: string, value: TIn, callback?: unknown): unknown {
    return this.#extend('prepend', key, value, callback);
  }

  /** False: the key is not there. */
  touch(key: string, expires?: number): Promise<boolean>;
  touch(key: string, callback: SuccessCallback): void;
  touch(key: string, expires: number, callback: SuccessCallback): void;
  touch(key: string, expires?: unknown, callback?: unknown): unknown {
    const [seconds, done] = typeof expires === 'function' ? [undefined, expires] : [expires, callback];
    const run = (): Promise<unknown[]> => {
      const time = toUint32(firstOf(seconds as number, this.options.expires) ?? 0);
      return this.#send('TOUCH', key, (client, wireKey) => client.touch(wireKey, time)).then((touched) => [touched]);
    };
    return settle(done, run, toBoolean);
  }

  /** True, or an error, of each `host:port`. Rejects with the last error if there is one. */
  flush(): Promise<Record<string, boolean>>;
  flush(callback: (lastError: Error | null, results: Record<string, boolean | Error>) => void): void;
  flush(callback?: unknown): unknown {
    const results: Record<string, true | Error> = {};
    const flushing = this.servers.map(async (server) => {
      try {
        results[server.name] = await server.client.flushAll();
        return null;
      } catch (error) {
        results[server.name] = error as Error;
        return error;
      }
    });
    const ending = Promise.all(flushing).then((errors) => errors.findLast((error) => error !== null) ?? null);
    if (callback === undefined)
      return ending.then((error) => {
        if (error !== null) throw error as Error;
        return results;
      });
    const done = checkCallback(callback);
    void ending.then((error) => {
      process.nextTick(done, error, results);
    });
    return undefined;
  }

  /** Calls back once for each server. */
  statsWithKey(key: string, callback?: StatsCallback): void {
    const done = checkCallback(callback);
    for (const server of this.servers)
      server.client.getStats(key === '' ? undefined : key).then(
        ([pair]) => {
          process.nextTick(done, null, server.name, pair?.[1] ?? {});
        },
        (error: unknown) => {
          const answer = answerError(`STATS (${key})`, error);
          if (answer !== undefined) this.options.logger.log(answer.message, false);
          process.nextTick(done, answer ?? error, server.name, null);
        },
      );
  }

  /** Calls back once for each server. */
  stats(callback?: StatsCallback): void {
    this.statsWithKey('', callback);
  }

  /** Calls back once for each server. */
  resetStats(callback?: StatsCallback): void {
    this.statsWithKey('reset', callback);
  }

  /** Ends all connections. What is in flight is answered; what is called later connects again. */
  quit(): void {
    for (const server of this.servers) server.close();
  }

  /** The same as `quit`. */
  close(): void {
    this.quit();
  }

  #store(
    method: 'set' | 'add' | 'replace',
    key: string,
    value: TIn,
    options: OptionsOrCallback<InsertOptions, SuccessCallback>,
    callback: unknown,
  ): unknown {
    const operation = method.toUpperCase();
    const { given, done } = this.#readArguments<InsertOptions>(operation, [options, callback]);
    const run = (): Promise<unknown[]> => {
      const extras = writeExtras(firstOf(given.expires, this.options.expires) ?? 0);
      const serialized = this.serializer.serialize(opcodes[method], value, extras);
      const data = toBytes(serialized.value);
      const { flags, time } = readExtras(serialized.extras);
      const store = (client: OwnClient, wireKey: string | Buffer): Promise<boolean> =>
        client[method](wireKey, { data, flags }, time);
      return this.#send(operation, key, store).then((stored) => [stored]);
    };
    return settle(done, run, toBoolean);
  }

  #count(method: 'incr' | 'decr', key: string, amount: number, rest: unknown[]): unknown {
    const operation = method === 'incr' ? 'INCREMENT' : 'DECREMENT';
    const { given, done } = this.#readArguments<IncrementDecrementOptions>(operation, rest);
    const run = (): Promise<unknown[]> => {
      const delta = toUint32(amount);
      const initial = toUint32(given.initial ?? 0);
      const time = toUint32(firstOf(given.expires, this.options.expires) ?? 0);
      const count = (client: OwnClient, wireKey: string | Buffer): Promise<bigint> =>
        client[method](wireKey, delta, { initial, time, bigint: true });
      return this.#send(operation, key, count).then((value) => [true, Number(value)]);
    };
    return settle(done, run, (success, value) => ({ success, value }));
  }

  #extend(method: 'append' | 'prepend', key: string, value: TIn, callback: unknown): unknown {
    const operation = method.toUpperCase();
    const run = (): Promise<unknown[]> => {
      const serialized = this.serializer.serialize(opcodes[method], value, Buffer.alloc(0));
      const data = toBytes(serialized.value);
      const extend = (client: OwnClient, wireKey: string | Buffer): Promise<boolean> => client[method](wireKey, data);
      return this.#send(operation, key, extend).then((stored) => {
        if (!stored) throw this.#logged(new Error(`MemJS ${operation}: Item not stored`));
        return [true];
      });
    };
    return settle(callback, run, toBoolean);
  }

  /** `(options, callback)`, or in the older form `(callback, expires, initial)`. */
  #readArguments<Options extends object>(
    operation: string,
    [options, callback, initial]: unknown[],
  ): { given: Partial<Options>; done: unknown } {
    if (typeof options !== 'function' && typeof callback !== 'number') return { given: options ?? {}, done: callback };
    this.options.logger.log(`MemJS ${operation}: using deprecated call - arguments have changed`);
    return { given: { expires: callback, initial } as unknown as Options, done: options };
  }

  /** Sends at once; rejects as memjs calls back. */
  #send<R>(
    operation: string,
    key: string,
    send: (client: OwnClient, wireKey: string | Buffer) => Promise<R>,
  ): Promise<R> {
    const wireKey = toBytes(key);
    return attempt(this, key, (client) => send(client, wireKey)).catch((error: unknown) => {
      const answer = answerError(operation, error);
      throw answer === undefined ? error : this.#logged(answer);
    });
  }

  #logged(error: Error): Error {
    this.options.logger.log(error.message);
    return error;
  }
}

export interface Counter {
  success: boolean;
  value?: number | null | undefined;
}

export { Server };
export type {
  ClientOptions,
  CounterCallback,
  FullClientOptions,
  FullServerOptions,
  IncrementDecrementOptions,
  InsertOptions,
  Logger,
  Serializer,
  ServerOptions,
  StatsCallback,
  SuccessCallback,
};
export default { Client, Server };
