/** The client: pylibmc's `Client`, with promises. Arguments are checked here; the rest is done natively. */

import { checkStatsArgument, serializedParts } from './operations/arguments';
import type { Behaviors } from './options/behaviors';
import * as behaviorTable from './options/behaviors';
import type { CallOptions } from './options/call-options';
import { checkClientOptions, type CheckedOptions, type ClientOptions } from './options/client-options';
import { ClientRequests } from './operations/client-executor';
import type { Codec, Serialized } from './codecs/codec';
import { pylibmcCodec } from './codecs/pylibmc';
import { Dispatcher } from './dispatch/dispatcher';
import { MemcachedError, returnCode } from './errors';
import { toFlushDelay, type TimeArg } from './options/expiry';
import { toPlan, type GetOrSetOptions, type Loader } from './read-through/get-or-set';
import { KeyOperations } from './operations/key-operations';
import { assertKey, badKeyError, keyBytes, maxKeyBytes, type Key } from './options/keys';
import { serverMetrics, serverStates, type ClientMetrics, type ServerState } from './observability/metrics';
import { Namespaces, type Namespace } from './namespace/namespace';
import type { NativeBehaviors } from './addon/addon';
import { ReadThrough } from './read-through/read-through';
import { makeDecoders, type Decoders } from './operations/decoders';
import { attempt, type Requests } from './operations/executor';
import { serverList, serverName, toNative, type ServerAddress } from './options/servers';
import { InternalItems } from './read-through/internal-items';
import { Op } from './addon/record-layout';

/** Where a key goes, and why. */
export interface Explanation {
  /** The key's bytes on the wire, with the namespace. */
  wireKey: Buffer;
  /** The value of the hash function in force. */
  digest: number;
  /** What pylibmc's `hash` returns: the distribution's choice. */
  hash: number;
  server: string;
  serverState: ServerState;
}

/**
 * A client for a set of memcached servers.
 *
 * Every operation returns a promise that settles: with a result, or with an error no later than its `timeout` and 100 ms.
 * Operations on the same key take effect in the order in which they were called, even when none was awaited;
 * operations on different keys may be reordered and batched.
 */
export class Client extends KeyOperations {
  /** The servers, as they were given. */
  readonly servers: readonly string[];
  readonly #options: ClientOptions;
  readonly #addresses: readonly ServerAddress[];
  readonly #dispatcher: Dispatcher;
  readonly #requests: Requests;
  readonly #decoders: Decoders;
  readonly #codec: Codec;
  readonly #maxInflated: number;
  /** Whether the protocol is binary. */
  readonly #isBinary: boolean;
  /** Behaviors set after construction, for clones. */
  #laterBehaviors: readonly Partial<Behaviors>[] = [];
  #namespaces: Namespaces | undefined;
  #readThrough: ReadThrough | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Nothing connects here; the first operation does.
   *
   * @throws TypeError or RangeError for malformed servers, options or behaviors
   */
  constructor(servers: string | readonly string[], options: ClientOptions = {}) {
    const list = serverList(servers);
    const checked = checkClientOptions(list, options);
    const dispatcher = dispatcherFor(checked);
    // Overridden in a subclass, or another codec: then these are called for every value.
    const isStandard = checked.codec === pylibmcCodec;
    const own = new.target.prototype;
    const ownSerialize = !isStandard || own.serialize !== Client.prototype.serialize;
    const ownDeserialize = !isStandard || own.deserialize !== Client.prototype.deserialize;
    const decoders = makeDecoders({
      deserialize: ownDeserialize ? (data, flags) => this.deserialize(data, flags) : undefined,
      standard: pylibmcCodec,
      serverName: (index) => dispatcher.serverName(index),
      errors: dispatcher.errors,
      maxInflated: checked.maxInflated,
    });
    const requests = new ClientRequests({
      dispatcher,
      decoders,
      codec: checked.codec,
      serialize: ownSerialize ? (value) => this.serialize(value) : undefined,
      servers: checked.addresses.length,
      failSoft: checked.given.failSoft === true,
      isFollowUp: false,
    });
    super(requests, decoders);
    this.servers = Object.freeze(list);
    this.#options = checked.given;
    this.#addresses = checked.addresses;
    this.#codec = checked.codec;
    this.#maxInflated = checked.maxInflated;
    this.#isBinary = checked.binary;
    this.#dispatcher = dispatcher;
    this.#requests = requests;
    this.#decoders = decoders;
    this.#followBehaviors(checked.behaviors);
  }

  // Caching.

  /**
   * Gets a key's value; if it is not there, calls `loader` and stores what it resolves to (not if that is undefined).
   * However many callers and processes want it, one loads, and the others wait for it. With `staleFor`, an old value is
   * served while one caller loads a new one.
   *
   * Rejects with what the loader throws, which is not cached: the next call tries again. Rejects with a TimeoutError if
   * there is no value within `timeout`. An outage of the cache is no error: then the value is loaded, once in this process,
   * and the error is published on the diagnostics channel `libmemcached:failure`.
   */
  async getOrSet<T>(key: Key, loader: Loader<T>, time?: TimeArg | GetOrSetOptions): Promise<T> {
    const { maxKeyBytes } = this.#dispatcher.submission;
    const plan = toPlan(key, loader, time, { maxKeyBytes, timeout: this.#dispatcher.timeout });
    const readThrough = (this.#readThrough ??= this.#makeReadThrough());
    return (await readThrough.run(() => readThrough.look(plan.key, plan, plan.call), plan)) as T;
  }

  #makeReadThrough(): ReadThrough {
    const requests = this.#requests.forFollowUps();
    return new ReadThrough(requests, new InternalItems(requests));
  }

  // Views.

  /**
   * A view of this client, whose keys lie in a namespace: one `invalidate()` makes all of them misses, in all processes.
   * Not pylibmc's behavior of that name, which is a fixed prefix.
   *
   * @throws TypeError or RangeError unless the name is a string of 1 … 200 bytes
   */
  namespace(name: string): Namespace {
    this.#namespaces ??= new Namespaces(this.#requests);
    return this.#namespaces.get(name);
  }

  // Servers.

  /** Empties all servers; with `time`, so many seconds from now. */
  flushAll(options: CallOptions & { time?: TimeArg } = {}): Promise<true> {
    return attempt(async (): Promise<true> => {
      await this.#requests.everyServer(Op.Flush, toFlushDelay(options.time), '', this.#decoders.nothing, options);
      return true;
    });
  }

  /**
   * Statistics of every server: pairs of a name, `127.0.0.1:11211 (0)` as pylibmc has it, and the statistics. `group`: as
   * memcached's `stats` takes it (`'items'`, `'slabs'`, …); UnknownStatKey if the server does not know it.
   */
  getStats(group?: string, options?: CallOptions): Promise<[name: string, stats: Record<string, string>][]> {
    return attempt(async () => {
      const argument = checkStatsArgument(group);
      const texts = await this.#requests.everyServer(Op.Stats, 0, argument, this.#decoders.text, options);
      return texts.map((text, index) => [this.#statsName(index), parseStats(text as string)]);
    });
  }

  /** Every server's version, by its name. Asks the servers. */
  version(options?: CallOptions): Promise<Map<string, string>> {
    return attempt(async () => {
      const versions = await this.#requests.everyServer(Op.Version, 0, '', this.#decoders.text, options);
      return new Map(versions.map((version, index) => [this.#dispatcher.serverName(index), version as string]));
    });
  }

  /** Closes all connections and forgets which servers failed. The next operation connects. */
  disconnectAll(options?: CallOptions): Promise<void> {
    return attempt(async () => {
      await this.#requests.everyServer(Op.Disconnect, 0, '', this.#decoders.nothing, options);
    });
  }

  /** What this client has counted since it was made; see docs/observability.md. Asks no server. */
  metrics(): ClientMetrics {
    return {
      pending: this.#dispatcher.pending,
      refused: this.#dispatcher.refused,
      servers: this.#dispatcher.native
        .metrics()
        .map((numbers, index) =>
          serverMetrics(this.#dispatcher.serverName(index), numbers, this.#dispatcher.errors.of(index)),
        ),
    };
  }

  // Life.

  /** A client with the same servers, options, behaviors and codec, and connections of its own. */
  clone(): this {
    // A subclass whose constructor takes something else has to override this.
    const make = this.constructor as new (servers: readonly string[], options: ClientOptions) => this;
    const copy = new make(this.servers, this.#options);
    for (const behaviors of this.#laterBehaviors) copy.setBehaviors(behaviors);
    return copy;
  }

  /** Whether `close` or `destroy` was called: operations reject with ClientClosed. */
  get closed(): boolean {
    return this.#dispatcher.isClosing;
  }

  /** Lets pending operations finish (each is bounded by its deadline); later ones reject with ClientClosed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#dispatcher.close();
    return this.#closing;
  }

  /** Ends at once: pending operations reject with ClientClosed. Idempotent. */
  destroy(): void {
    this.#dispatcher.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Behaviors.

  /** The behaviors in force. What is assigned to it, or to one of its members, applies to every later operation. */
  get behaviors(): Behaviors {
    return behaviorTable.liveBehaviors(
      () => this.getBehaviors(),
      (behaviors) => {
        this.setBehaviors(behaviors);
      },
    );
  }

  set behaviors(behaviors: Partial<Behaviors>) {
    this.setBehaviors(behaviors);
  }

  /** A copy of the behaviors in force. */
  getBehaviors(): Behaviors {
    return behaviorTable.fromNative(this.#dispatcher.native.getBehaviors());
  }

  /**
   * Sets behaviors; those that are not named stay. They apply to every later operation, never to one already called.
   *
   * @throws TypeError for an unknown name or a wrong type, RangeError for a value that this libmemcached does not have
   */
  setBehaviors(given: Partial<Behaviors>): void {
    const behaviors = behaviorTable.readBehaviors(given);
    const checked = behaviorTable.toNative(behaviors, this.#isBinary);
    this.#dispatcher.flush(); // what was called before keeps the behaviors it was called with
    try {
      this.#dispatcher.native.setBehaviors(checked);
    } catch (error) {
      throw behaviorError(error);
    }
    this.#followBehaviors(checked);
    this.#rememberForClones(behaviors);
  }

  /** What we have to know ourselves of behaviors that were set. */
  #followBehaviors(set: NativeBehaviors): void {
    this.#dispatcher.followBehaviors({
      ...(set.num_replicas === undefined ? {} : { replicas: Number(set.num_replicas) }),
      ...(set.namespace === undefined ? {} : { namespaceBytes: Buffer.byteLength(String(set.namespace)) }),
    });
  }

  #rememberForClones(behaviors: Partial<Behaviors>): void {
    // What is set again is forgotten: else the list would grow with every change.
    const isSetAgain = (name: string): boolean => Object.hasOwn(behaviors, name);
    const others = this.#laterBehaviors.filter((earlier) => !Object.keys(earlier).every(isSetAgain));
    this.#laterBehaviors = [...others, behaviors];
  }

  // Placement.

  /** libmemcached's `memcached_generate_hash`: pylibmc's `hash`. The distribution's choice among the servers. */
  hash(key: Key): number {
    return this.#route(key, 'hash')[0];
  }

  /** The server that a key goes to now, as `host:port` or path. */
  serverFor(key: Key): string {
    return this.#dispatcher.serverName(this.#route(key, 'serverFor')[2]);
  }

  /** Where a key goes, and why: the answer to "why is my key not there". */
  explain(key: Key): Explanation {
    const [hash, digest, server, state] = this.#route(key, 'explain');
    return {
      wireKey: Buffer.concat([Buffer.from(this.getBehaviors().namespace), keyBytes(key)]),
      digest,
      hash,
      server: this.#dispatcher.serverName(server),
      serverState: serverStates[state] ?? 'up',
    };
  }

  #route(key: Key, name: string): [number, number, number, number] {
    assertKey(key, name);
    const bytes = keyBytes(key);
    if (bytes.length === 0) throw badKeyError(key, name, 'it is empty');
    if (bytes.length > this.#dispatcher.submission.maxKeyBytes)
      throw badKeyError(key, name, `it has more than ${String(maxKeyBytes)} bytes, with the namespace`);
    return this.#dispatcher.native.route(bytes, 0);
  }

  // Values.

  /**
   * Turns a value into bytes and flags. Override it in a subclass, together with `deserialize`, or pass a `codec`.
   *
   * @throws TypeError for what the codec cannot store
   */
  serialize(value: unknown): Serialized {
    const { data, flags } = serializedParts(value, (given) => this.#codec.serialize(given));
    return [typeof data === 'string' ? Buffer.from(data) : data, flags];
  }

  /**
   * Turns bytes and flags into a value. Throw CacheMiss to have it treated as a miss.
   *
   * @throws DeserializationError
   */
  deserialize(data: Uint8Array, flags: number): unknown {
    const buffer = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return this.#codec.deserialize(buffer, flags, this.#maxInflated);
  }

  #statsName(index: number): string {
    const address = this.#addresses[index] as ServerAddress;
    return `${address.host}:${String(address.port)} (${String(index)})`;
  }
}

function dispatcherFor(checked: CheckedOptions): Dispatcher {
  const { username, password } = checked.given;
  return new Dispatcher({
    servers: checked.addresses.map(toNative),
    serverNames: checked.addresses.map(serverName),
    binary: checked.binary,
    ...(username === undefined ? {} : { username, password: password ?? '' }),
    behaviors: checked.behaviors,
    timeout: checked.timeout,
    inflate: checked.codec.zlib !== false,
    maxInflated: checked.maxInflated,
    maxPending: checked.maxPending,
  });
}

/** Names and values behind each other, each ended by a zero byte (native/memcached/admin.cc). */
function parseStats(text: string): Record<string, string> {
  const parts = text.split('\0');
  const stats: Record<string, string> = {};
  for (let index = 0; index + 1 < parts.length; index += 2) stats[parts[index] as string] = parts[index + 1] as string;
  return stats;
}

function behaviorError(error: unknown): Error {
  const refused = error as { message: string; retcode?: number; behavior?: string };
  const which = refused.behavior === undefined ? 'a behavior' : `behavior ${refused.behavior}`;
  return new MemcachedError(`libmemcached refused ${which}: ${refused.message}`, {
    operation: 'setBehaviors',
    retcode: refused.retcode ?? returnCode('FAILURE'),
    cause: error,
  });
}
