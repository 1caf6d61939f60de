// npm's memjs and memcached, which have no types of their own.

/* eslint-disable @typescript-eslint/no-require-imports -- they are CommonJS, without types */

export interface Memjs {
  get(key: string): Promise<{ value: Buffer | null; flags: Buffer | null }>;
  set(key: string, value: string | Buffer, options: { expires?: number }): Promise<boolean>;
  increment(key: string, amount: number, options: { initial?: number }): Promise<{ success: boolean; value: number }>;
  decrement(key: string, amount: number, options: { initial?: number }): Promise<{ success: boolean; value: number }>;
  close(): void;
}

export const memjsVersion = (require('memjs/package.json') as { version: string }).version;

export function connectMemjs(servers: string): Memjs {
  const { Client } = require('memjs') as { Client: { create(servers: string, options: object): Memjs } };
  return Client.create(servers, { timeout: 5, retries: 1, logger: { log: () => undefined } });
}

type Callback = (error: unknown, result: unknown) => void;
interface Memcached {
  get(key: string, done: Callback): void;
  getMulti(keys: readonly string[], done: Callback): void;
  gets(key: string, done: Callback): void;
  set(key: string, value: unknown, lifetime: number, done: Callback): void;
  cas(key: string, value: unknown, cas: string, lifetime: number, done: Callback): void;
  append(key: string, value: string, done: Callback): void;
  incr(key: string, amount: number, done: Callback): void;
  decr(key: string, amount: number, done: Callback): void;
  end(): void;
  readonly HashRing: { get(key: string): string };
}

export const memcachedVersion = (require('memcached/package.json') as { version: string }).version;

/** memcached's methods, with promises: one after the other, because its pool refuses what it has no connection for. */
export class MemcachedOfNpm {
  readonly #client: Memcached;

  constructor(servers: string | readonly string[] | Record<string, number>, options: object = {}) {
    const Client = require('memcached') as new (servers: unknown, options: object) => Memcached;
    this.#client = new Client(servers, { poolSize: 1, retries: 0, ...options });
  }

  get(key: string): Promise<unknown> {
    return this.#call((done) => {
      this.#client.get(key, done);
    });
  }

  getMulti(keys: readonly string[]): Promise<unknown> {
    return this.#call((done) => {
      this.#client.getMulti(keys, done);
    });
  }

  gets(key: string): Promise<unknown> {
    return this.#call((done) => {
      this.#client.gets(key, done);
    });
  }

  set(key: string, value: unknown): Promise<unknown> {
    return this.#call((done) => {
      this.#client.set(key, value, 0, done);
    });
  }

  cas(key: string, value: unknown, cas: string): Promise<unknown> {
    return this.#call((done) => {
      this.#client.cas(key, value, cas, 0, done);
    });
  }

  append(key: string, value: string): Promise<unknown> {
    return this.#call((done) => {
      this.#client.append(key, value, done);
    });
  }

  incr(key: string, amount: number): Promise<unknown> {
    return this.#call((done) => {
      this.#client.incr(key, amount, done);
    });
  }

  decr(key: string, amount: number): Promise<unknown> {
    return this.#call((done) => {
      this.#client.decr(key, amount, done);
    });
  }

  serverFor(key: string): string {
    return this.#client.HashRing.get(key);
  }

  end(): void {
    this.#client.end();
  }

  #call(run: (done: Callback) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      run((error, result) => {
        if (error === undefined || error === null) resolve(result);
        else reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
      });
    });
  }
}
