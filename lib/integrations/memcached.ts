/**
 * `libmemcached/memcached`: the interface of the npm package memcached 2.2.2, on this package's clients. For programs that
 * use that package, and for libraries that take such a client.
 */

import { EventEmitter } from 'node:events';

import { codecs } from '../index';
import type { CacheDumpData as DumpedItem } from './memcached/cachedump';
import { defaults, warnOfOptionsWithoutEffect, type Config, type MemcachedOptions } from './memcached/config';
import { execute, type Answer } from './memcached/execute';
import type { HashRing, Location as ServerLocation } from './memcached/hash-ring';
import type { IssueData as Issue } from './memcached/issue-log';
import {
  argument,
  TextQuery,
  validateQuery,
  type Callback,
  type CommandData as Data,
  type Query,
} from './memcached/query';
import type { Query as SentQuery } from './memcached/query';
import { Servers, type EventName, type Server } from './memcached/servers';
import type { StatusData as Status, VersionData as Version } from './memcached/statistics';

type Type = 'set' | 'add' | 'replace' | 'append' | 'prepend' | 'cas';
/* eslint-disable @typescript-eslint/no-explicit-any -- as @types/memcached has it, or what compiled with it would not */
type Done<Result> = (this: Data, error: any, result: Result) => void;
type DoneWithAll<Result> = (this: undefined, error: any, results: Result) => void;

const storing = [argument.key, argument.value, argument.lifetime, argument.callback] as const;
const counting = [argument.key, argument.amount, argument.callback] as const;
const keyOnly = [argument.key, argument.callback] as const;

/**
 * A client with callbacks. docs/migrating-from-memcached.md says what differs from memcached 2.2.2.
 *
 * The members of `Memcached.config` and of the options are members of every client, too.
 */
class Memcached extends EventEmitter {
  /** The defaults of all clients that are made later. */
  static config: MemcachedOptions = { ...defaults };

  /** Operations in flight. */
  activeQueries = 0;
  declare namespace: string;
  declare maxValue: number;
  declare maxQueueSize: number;
  readonly #servers: Servers;

  constructor(location: Memcached.Location = '', options: Memcached.options = {}) {
    super();
    const config = { ...Memcached.config, ...options };
    warnOfOptionsWithoutEffect(config);
    // Libraries pass what else they were given; it must not hide our own members.
    for (const [name, value] of Object.entries(config)) if (!(name in this)) Object.assign(this, { [name]: value });
    const isUnsaid = location === '' || (Array.isArray(location) && location.length === 0);
    const places = isUnsaid ? 'localhost:11211' : location;
    this.#servers = new Servers(places, this as unknown as Config, (event, details) => this.emit(event, details));
  }

  get servers(): readonly string[] {
    return this.#servers.names;
  }

  /** Where keys go. */
  get HashRing(): Pick<HashRing, 'get' | 'range' | 'has'> {
    return this.#servers.ring;
  }

  get<T = any>(key: readonly string[], callback?: DoneWithAll<Record<string, T>>): void;
  get<T = any>(key: string, callback?: Done<T>): void;
  get(key: string | readonly string[], callback?: unknown): void {
    if (Array.isArray(key)) this.getMulti(key, callback as DoneWithAll<Record<string, unknown>>);
    else
      this.#send({
        type: 'get',
        key: this.namespace + (key as string),
        callback: callback as Callback,
        validate: keyOnly,
      });
  }

  /** The result has the value under its key, with the namespace, and the token as `cas`. */
  gets(key: string, callback?: Done<{ [key: string]: any; cas: string }>): void {
    this.#send({ type: 'gets', key: this.namespace + key, callback: callback as Callback, validate: keyOnly });
  }

  /** If servers fail, the error is a list of errors, and the result has what the others answered. */
  getMulti<T = any>(keys: readonly string[], callback?: DoneWithAll<Record<string, T>>): void {
    const wanted = keys.map((key) => this.namespace + key);
    const errors: unknown[] = [];
    const found: Record<string, unknown> = {};
    let waiting = 0;
    const done = (): void => {
      callback?.call(undefined, errors.length > 0 ? errors : undefined, found as Record<string, T>);
    };
    if (wanted.length === 0) process.nextTick(done);
    const handle = (error?: unknown, results?: unknown): void => {
      if (error !== undefined && error !== null) errors.push(error);
      for (const [key, value] of Object.entries(results ?? {})) found[key.replace(this.namespace, '')] = value;
      waiting -= 1;
      if (waiting === 0) done();
    };
    const validate = [argument.keys, argument.callback] as const;
    this.multi(wanted, (server, serverKeys, _index, totals) => {
      waiting ||= totals;
      this.#send({ type: 'get', multi: true, key: wanted, serverKeys, callback: handle, validate }, server);
    });
  }

  set(key: string, value: any, lifetime: number, callback?: Done<boolean>): void {
    this.#store('set', key, value, lifetime, callback);
  }

  replace(key: string, value: any, lifetime: number, callback?: Done<boolean>): void {
    this.#store('replace', key, value, lifetime, callback);
  }

  add(key: string, value: any, lifetime: number, callback?: Done<boolean>): void {
    this.#store('add', key, value, lifetime, callback);
  }

  cas(key: string, value: any, cas: string, lifetime: number, callback?: Done<boolean>): void {
    this.#store('cas', key, value, lifetime, callback, cas);
  }

  append(key: string, value: any, callback?: Done<boolean>): void {
    this.#store('append', key, value, 0, callback);
  }

  prepend(key: string, value: any, callback?: Done<boolean>): void {
    this.#store('prepend', key, value, 0, callback);
  }

  incr(key: string, amount: number, callback?: Done<boolean | number>): void {
    this.#count('incr', key, amount, callback as Callback);
  }

  increment(key: string, amount: number, callback?: Done<boolean | number>): void {
    this.#count('incr', key, amount, callback as Callback);
  }

  decr(key: string, amount: number, callback?: Done<boolean | number>): void {
    this.#count('decr', key, amount, callback as Callback);
  }

  decrement(key: string, amount: number, callback?: Done<boolean | number>): void {
    this.#count('decr', key, amount, callback as Callback);
  }

  del(key: string, callback?: Done<boolean>): void {
    this.#send({
      type: 'delete',
      key: this.namespace + key,
      callback: callback as Callback,
      validate: keyOnly,
      redundancyEnabled: true,
    });
  }

  delete(key: string, callback?: Done<boolean>): void {
    this.del(key, callback);
  }

  touch(key: string, lifetime: number, callback?: Done<boolean>): void {
    const validate = [argument.key, argument.lifetime, argument.callback] as const;
    this.#send({ type: 'touch', key: this.namespace + key, callback: callback as Callback, lifetime, validate });
  }

  version(callback: DoneWithAll<Memcached.VersionData[]>): void {
    this.#askAll('version', callback);
  }

  flush(callback?: DoneWithAll<boolean[]>): void {
    this.#askAll('flush_all', callback);
  }

  flushAll(callback?: DoneWithAll<boolean[]>): void {
    this.flush(callback);
  }

  stats(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.#askAll('stats', callback);
  }

  settings(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.#askAll('stats settings', callback);
  }

  statsSettings(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.settings(callback);
  }

  slabs(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.#askAll('stats slabs', callback);
  }

  statsSlabs(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.slabs(callback);
  }

  items(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.#askAll('stats items', callback);
  }

  statsItems(callback: DoneWithAll<Memcached.StatusData[]>): void {
    this.items(callback);
  }

  /** The result is one item if there is only one, and undefined if there is none. */
  cachedump(
    server: string,
    slabid: number,
    number: number,
    callback?: Done<Memcached.CacheDumpData | Memcached.CacheDumpData[] | undefined>,
  ): void {
    const validate = [argument.number, argument.slabid, argument.callback] as const;
    this.#send({ type: 'stats cachedump', slabid, number, callback: callback as Callback, validate }, server);
  }

  /** Ends all connections. What is in flight is answered; what is called later connects again. */
  end(): void {
    this.#servers.end();
  }

  /** Calls back with each server and its keys; with every server without keys. */
  multi(
    keys: readonly string[] | false | undefined,
    callback: (this: this, server: string, keys: string[], index: number, totals: number) => void,
  ): void {
    const byServer = new Map<string, string[]>();
    for (const key of keys === false ? [] : (keys ?? [])) {
      const server = this.#servers.nameFor(key) ?? '';
      const own = byServer.get(server);
      if (own === undefined) byServer.set(server, [key]);
      else own.push(key);
    }
    const servers = keys ? [...byServer.keys()] : this.servers;
    for (let index = servers.length - 1; index >= 0; index -= 1) {
      const server = servers[index] as string;
      callback.call(this, server, byServer.get(server) as string[], index, servers.length);
    }
  }

  /** What every operation goes through, and what instrumentation wraps. Only queries of this interface can be sent. */
  command(compile: () => Memcached.Query, server?: string): void {
    this.activeQueries += 1;
    const query = compile.call(this);
    const failEarly = (error: unknown, context: unknown, ...result: unknown[]): void => {
      process.nextTick(() => {
        this.#deliver(query, context, error, ...result);
      });
    };
    if (this.maxQueueSize > 0 && this.activeQueries > this.maxQueueSize) {
      failEarly('over queue limit', this, null);
      return;
    }
    const problem = validateQuery(query, this as unknown as Config);
    if (problem !== undefined) {
      failEarly(new Error(problem), query);
      return;
    }
    const name = server ?? this.#servers.nameFor(String(query.key));
    const place = name === undefined ? undefined : this.#servers.server(name);
    if (place === undefined || place.failed) failEarly(new Error(`Server at ${String(name)} not available`), this);
    else this.#run(query, place);
  }

  #run(query: Query, server: Server): void {
    query.start = Date.now();
    execute(query, server.address, server.client, this as unknown as Config).then(
      ({ error, result }: Answer) => {
        query.execution = Date.now() - (query.start ?? 0);
        process.nextTick(() => {
          this.#deliver(query, query, error, result);
        });
      },
      (error: unknown) => {
        this.#servers.recordFailure(server, error as Error);
        process.nextTick(() => {
          this.#deliver(query, this, error, ...partialResults(query, error));
        });
      },
    );
  }

  /** Outside of any promise: what the callback throws is the program's. */
  #deliver(query: Query, context: unknown, ...results: unknown[]): void {
    this.activeQueries -= 1;
    query.callback?.apply(context, results as [unknown, unknown]);
  }

  #send(query: Query, server?: string): void {
    const { callback } = query as { callback: unknown };
    if (callback !== undefined && callback !== null && typeof callback !== 'function')
      throw new TypeError(`${query.type}: the callback must be a function, not ${typeof callback}`);
    const compiled = new TextQuery(query, this as unknown as Config);
    this.command(() => compiled, server);
  }

  /** Throws for what cannot be serialized, as memcached does. */
  #store(type: Type, key: string, value: unknown, lifetime: number, callback: unknown, cas?: string): void {
    const [text, flags] = codecs.memcached.serialize(value) as [string, number];
    const done = callback as Callback | undefined;
    if (Buffer.byteLength(text) > this.maxValue) {
      const error = new Error(`The length of the value is greater than ${this.maxValue}`);
      process.nextTick(() => done?.call(this, error, false));
      return;
    }
    this.#send({
      type,
      key: this.namespace + key,
      callback: done,
      lifetime,
      value: text,
      flags,
      cas,
      validate: storing,
      redundancyEnabled: false,
    });
  }

  #count(type: 'incr' | 'decr', key: string, amount: number, callback: Callback | undefined): void {
    const fullKey = this.namespace + key;
    this.#send({ type, key: fullKey, callback, value: amount, validate: counting, redundancyEnabled: true });
  }

  #askAll(type: string, callback: DoneWithAll<any> | undefined): void {
    const responses: unknown[] = [];
    const errors: unknown[] = [];
    let waiting = this.servers.length;
    const handle = (error?: unknown, result?: unknown): void => {
      if (error !== undefined && error !== null) errors.push(error);
      if (result !== undefined && result !== false) responses.push(result);
      waiting -= 1;
      if (waiting === 0) callback?.call(undefined, errors.pop(), responses);
    };
    this.multi(false, (server) => {
      this.#send({ type, callback: handle }, server);
    });
  }
}

/** What was read all the same, of a multi-get. */
function partialResults(query: Query, error: unknown): unknown[] {
  const { values } = error as { values?: unknown };
  return query.multi === true && values instanceof Map ? [Object.fromEntries(values)] : [];
}

/* eslint-disable-next-line @typescript-eslint/no-namespace -- as @types/memcached has it: `Memcached.options` */
declare namespace Memcached {
  type Location = ServerLocation;
  type options = MemcachedOptions;
  type EventNames = EventName;
  type IssueData = Issue;
  type CommandData = Data;
  type StatusData = Status;
  type VersionData = Version;
  type CacheDumpData = DumpedItem;
  /** What `command` takes. */
  type Query = SentQuery;
}

export = Memcached;
