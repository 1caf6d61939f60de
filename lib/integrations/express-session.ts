/** `libmemcached/express-session`: a store for express-session, which has to be installed beside it. */

import { Store, type SessionData } from 'express-session';
import { Client, type ClientOptions } from '../index';
import { maxDuration, secondsFor } from './seconds';

export interface MemcachedStoreOptions extends ClientOptions {
  /** Before the session's id. Default `sess:`. */
  prefix?: string | undefined;
  /** Seconds that a session is kept whose cookie says nothing: it lasts until the browser ends. Default 86,400. */
  ttl?: number | undefined;
  /** As `set` takes it: compress sessions of at least this many bytes. Default 0: never. */
  minCompressLen?: number | undefined;
}

/** Taken when the module is loaded: a test's fake one would never call back. */
const nextTick = process.nextTick.bind(process);
const defaultPrefix = 'sess:';
const oneDay = 86_400;

/**
 * Keeps the sessions of express-session in memcached, as JSON, for as long as their cookies last.
 *
 * ```ts
 * app.use(session({ store: new MemcachedStore('127.0.0.1:11211'), secret, resave: false, saveUninitialized: false }));
 * ```
 *
 * Callbacks get the client's errors. Sessions can be lost, as everything in a cache: who was logged in logs in again.
 */
export class MemcachedStore extends Store {
  readonly client: Client;
  readonly #ownsClient: boolean;
  readonly #prefix: string;
  readonly #ttl: number;
  readonly #minCompressLen: number;

  /**
   * `servers`: as `Client` takes them, or a client, which `close` then leaves open.
   *
   * @throws as `Client` does; RangeError unless `ttl` is 1 or more, TypeError unless `prefix` is a string
   */
  constructor(servers: string | readonly string[] | Client, options: MemcachedStoreOptions = {}) {
    super();
    const { prefix = defaultPrefix, ttl = oneDay, minCompressLen = 0, ...clientOptions } = options;
    if (!(Number.isFinite(ttl) && ttl >= 1))
      throw new RangeError(`ttl must be a number of seconds, 1 or more: ${String(ttl)}`);
    if (typeof prefix !== 'string') throw new TypeError(`prefix must be a string, not ${typeof prefix}`);
    this.#ownsClient = !(servers instanceof Client);
    if (servers instanceof Client && Object.keys(clientOptions).length > 0)
      throw new TypeError(`set these options on the client that you pass: ${Object.keys(clientOptions).join(', ')}`);
    this.client = servers instanceof Client ? servers : new Client(servers, clientOptions);
    this.#prefix = prefix;
    this.#ttl = ttl;
    this.#minCompressLen = minCompressLen;
  }

  /** Undefined if there is none. */
  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    const reading = this.client.get<string>(this.#prefix + sid);
    settle<SessionData | undefined>(
      reading.then((json) => (json === undefined ? undefined : (JSON.parse(json) as SessionData))),
      done,
    );
  }

  override set(sid: string, session: SessionData, done?: (error?: unknown) => void): void {
    settle(this.#store(sid, session), withoutResult(done));
  }

  /** What is wrong with the session is an error for `done`, too. */
  async #store(sid: string, session: SessionData): Promise<void> {
    const time = this.#secondsLeft(session);
    const key = this.#prefix + sid;
    if (time === 0) await this.client.delete(key);
    else await this.client.set(key, JSON.stringify(session), { time, minCompressLen: this.#minCompressLen });
  }

  /** No error if there is none. */
  override destroy(sid: string, done?: (error?: unknown) => void): void {
    settle(this.client.delete(this.#prefix + sid), withoutResult(done));
  }

  /** Keeps it for as long as its cookie lasts from now on. No error if there is none. */
  override touch(sid: string, session: SessionData, done?: (error?: unknown) => void): void {
    settle(this.#touch(sid, session), withoutResult(done));
  }

  async #touch(sid: string, session: SessionData): Promise<void> {
    const time = this.#secondsLeft(session);
    const key = this.#prefix + sid;
    await (time === 0 ? this.client.delete(key) : this.client.touch(key, time));
  }

  /** Closes the client, unless it was given. */
  async close(): Promise<void> {
    if (this.#ownsClient) await this.client.close();
  }

  /** 0: it is over. */
  #secondsLeft({ cookie }: SessionData): number {
    // Its `maxAge` is the time that is left, but only of a Cookie: a program that sets sessions itself may pass what was stored.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- to set it is
    const { expires } = cookie;
    if (expires === undefined || expires === null) return Math.min(this.#ttl, maxDuration);
    // Date.now(): by the clock that the cookie was made by, faked or not.
    const milliseconds = new Date(expires).getTime() - Date.now();
    return milliseconds <= 0 ? 0 : secondsFor(milliseconds);
  }
}

function withoutResult(done: ((error?: unknown) => void) | undefined): ((error: unknown) => void) | undefined {
  return (
    done &&
    ((error) => {
      done(error);
    })
  );
}

/** In a tick of its own: what `done` throws is not the promise's. */
function settle<T>(promise: Promise<T>, done: ((error: unknown, result?: T) => void) | undefined): void {
  promise.then(
    (result) => {
      if (done !== undefined) nextTick(done, null, result);
    },
    (error: unknown) => {
      if (done !== undefined) nextTick(done, error);
    },
  );
}
