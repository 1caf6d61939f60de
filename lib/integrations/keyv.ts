/** `libmemcached/keyv`: a storage adapter for Keyv 5 and 6, and so for what is built on it, cache-manager for one. */

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Client, type ClientOptions, type Namespace } from '../index';
import { secondsFor } from './seconds';

export interface KeyvMemcachedOptions extends ClientOptions {
  /** The namespace, until a Keyv sets its own. Default: none, which is one as well. */
  namespace?: string | undefined;
  /** As `set` takes it: compress values of at least this many bytes. Default 0: never. */
  minCompressLen?: number | undefined;
}

/** What Keyv hands over in `setMany`. */
export interface KeyvEntry {
  key: string;
  value: unknown;
  /** Milliseconds. */
  ttl?: number | undefined;
}

/** Before the names of Keyv's namespaces: apart from those that the client is asked for elsewhere. */
const familyName = 'keyv:';
const hashMark = '#';

/**
 * Stores what Keyv keeps in memcached.
 *
 * ```ts
 * const keyv = new Keyv({ store: new KeyvMemcached('127.0.0.1:11211'), namespace: 'users' });
 * ```
 *
 * Each Keyv should have an adapter of its own, as Keyv sets the adapter's `namespace`; adapters may share a client.
 * `clear()` clears that namespace only. Keys that memcached does not take (too long, or with blanks) are stored under
 * their hash. Methods reject with the client's errors; what Keyv makes of that is up to its options.
 */
export class KeyvMemcached extends EventEmitter {
  /** Keyv 5 wants to see it. Without the credentials: it may be printed. */
  readonly opts: Omit<KeyvMemcachedOptions, 'username' | 'password'>;
  readonly client: Client;
  readonly #ownsClient: boolean;
  readonly #minCompressLen: number;
  #namespace: string | undefined;
  #view: Namespace | undefined;

  /**
   * `servers`: as `Client` takes them, or a client, which `disconnect` then leaves open.
   *
   * @throws as `Client` does
   */
  constructor(servers: string | readonly string[] | Client, options: KeyvMemcachedOptions = {}) {
    super();
    const { namespace, minCompressLen = 0, ...clientOptions } = options;
    this.#ownsClient = !(servers instanceof Client);
    if (servers instanceof Client && Object.keys(clientOptions).length > 0)
      throw new TypeError(`set these options on the client that you pass: ${Object.keys(clientOptions).join(', ')}`);
    this.client = servers instanceof Client ? servers : new Client(servers, clientOptions);
    const shown = { ...options };
    delete shown.username;
    delete shown.password;
    delete shown.tls; // it may hold a private key
    this.opts = shown;
    this.#minCompressLen = minCompressLen;
    this.#namespace = namespace;
  }

  /** Keyv sets it. */
  get namespace(): string | undefined {
    return this.#namespace;
  }

  set namespace(namespace: string | undefined) {
    this.#namespace = namespace;
    this.#view = undefined;
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    const view = this.#current();
    return view.get<T>(wireKey(key, view));
  }

  /** In the order of the keys; undefined where there is nothing. */
  async getMany<T = unknown>(keys: string[]): Promise<(T | undefined)[]> {
    const view = this.#current();
    const wireKeys = keys.map((key) => wireKey(key, view));
    const found = await view.getMulti<T>(wireKeys);
    return wireKeys.map((key) => found.get(key));
  }

  /** `ttl`: milliseconds; undefined: for ever. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const view = this.#current();
    return view.set(wireKey(key, view), value, { time: seconds(ttl), minCompressLen: this.#minCompressLen });
  }

  /** In the order of the entries: whether each was stored. Keyv 5 hands that on, though its type wants nothing. */
  setMany(entries: KeyvEntry[]): Promise<void> & Promise<boolean[]> {
    return this.#setMany(entries) as Promise<void> & Promise<boolean[]>;
  }

  async #setMany(entries: KeyvEntry[]): Promise<boolean[]> {
    const view = this.#current();
    const groups = new Map<number, [string, unknown][]>();
    for (const { key, value, ttl } of entries) {
      const group = groups.get(seconds(ttl)) ?? [];
      group.push([wireKey(key, view), value]);
      groups.set(seconds(ttl), group);
    }
    const storing = [...groups].map(([time, group]) =>
      view.setMulti(new Map(group), { time, minCompressLen: this.#minCompressLen }),
    );
    const failed = new Set((await Promise.all(storing)).flat());
    return entries.map(({ key }) => !failed.has(wireKey(key, view)));
  }

  /** False: it was not there. */
  async delete(key: string): Promise<boolean> {
    const view = this.#current();
    return view.delete(wireKey(key, view));
  }

  /** True only if all were there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const view = this.#current();
    return view.deleteMulti(keys.map((key) => wireKey(key, view)));
  }

  async has(key: string): Promise<boolean> {
    const view = this.#current();
    return isThere(await view.get(wireKey(key, view)));
  }

  /** In the order of the keys. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map(isThere);
  }

  /** Everything in this namespace becomes unreachable, in all processes. Takes one write, however much there is. */
  async clear(): Promise<void> {
    await this.#current().invalidate();
  }

  /** Closes the client, unless it was given. */
  async disconnect(): Promise<void> {
    if (this.#ownsClient) await this.client.close();
  }

  #current(): Namespace {
    this.#view ??= this.client.namespace(familyName + (this.#namespace ?? ''));
    return this.#view;
  }
}

/** Nothing may be gone early; Keyv itself stores the exact time with the value, and looks at it. */
function seconds(ttl: number | undefined): number {
  if (ttl === undefined || !Number.isFinite(ttl) || ttl === 0) return 0;
  return Math.max(1, secondsFor(ttl));
}

/** The key, or its hash if it cannot be a key of memcached's. Nobody lists keys, so nobody sees the difference. */
function wireKey(key: string, view: Namespace): string {
  const fits =
    key.length > 0 && key.isWellFormed() && Buffer.byteLength(key) <= view.maxKeyBytes && !/[\0-\x20\x7f]/.test(key);
  if (fits && !key.startsWith(hashMark)) return key;
  // Not of its UTF-8, in which all lone surrogates are the same.
  return hashMark + createHash('sha256').update(key, 'utf16le').digest('base64url');
}

/** Keyv 5 trusts `has`, but not `get`, to know that a value has expired: it is among what Keyv has stored. */
function isThere(stored: unknown): boolean {
  if (stored === undefined) return false;
  const expires = typeof stored === 'string' ? expiresInJson(stored) : expiresOf(stored);
  return typeof expires !== 'number' || expires > Date.now();
}

function expiresOf(stored: unknown): unknown {
  return typeof stored === 'object' && stored !== null && 'expires' in stored ? stored.expires : undefined;
}

function expiresInJson(json: string): number | undefined {
  const digits = /"expires":(\d+)\}$/.exec(json)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
