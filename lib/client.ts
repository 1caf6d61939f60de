/** The client: pylibmc's `Client`, with promises. Arguments are checked here; the rest is done natively. */

import { Op } from './addon/record-layout';
import type { Codec, Serialized } from './codecs/codec';
import { pylibmcCodec } from './codecs/pylibmc';
import { Dispatcher } from './dispatch/dispatcher';
import type { Route } from './dispatch/servers';
import { ClientClosed, ConnectionError, MemcachedError, SomeErrors, returnCode } from './errors';
import { Namespaces, type Namespace } from './namespace/namespace';
import type { StateChange } from './observability/connections';
import { serverStates, type ClientMetrics, type ServerState } from './observability/metrics';
import { checkStatsArgument } from './operations/arguments';
import type { ClientContext } from './operations/client-context';
import { makeDecoders } from './operations/decoders';
import { OperationExecutor } from './operations/executor';
import { KeyOperations } from './operations/key-operations';
import { makePayload } from './operations/make-payload';
import { Serializer } from './operations/serialization';
import type { Behaviors } from './options/behaviors';
import * as behaviorTable from './options/behaviors';
import { readCallOptions, readOptions, rejectCallback, type CallOptions } from './options/call-options';
import {
  checkClientOptions,
  readOtherServers,
  type CheckedOptions,
  type ClientOptions,
} from './options/client-options';
import { toFlushDelay, type TimeArg } from './options/expiry';
import { copyOfBytes, isBytes } from './bytes';
import { describeType } from './describe-type';
import { assertKey, badKeyError, keyBytes, ownCopy, whyBadKey, type Key } from './options/keys';
import { serverName, Transport } from './options/servers';
import { toPlan, type GetOrSetOptions, type Loader } from './read-through/get-or-set';
import { InternalItems } from './read-through/internal-items';
import { ReadThrough } from './read-through/read-through';

export interface FlushOptions extends CallOptions {
  /** Seconds from now, or a Date. Default: at once. */
  time?: TimeArg | undefined;
}

const flushNames = ['timeout', 'signal', 'time'] as const satisfies (keyof FlushOptions)[];

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
  /** With autoDiscovery: the configuration endpoint. */
  readonly #given: readonly string[];
  readonly #options: ClientOptions;
  readonly #transport: Transport | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #context: ClientContext;
  readonly #codec: Codec;
  readonly #codecSerializer: Serializer;
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
    const checked = checkClientOptions(servers, options);
    const dispatcher = dispatcherFor(checked);
    // Of another codec, or overridden in whatever way (a method, a field, an assignment): then they are called for every
    // value.
    const isStandard = checked.codec === pylibmcCodec;
    const serialize = (value: unknown): Serialized => this.serialize(value);
    const deserialize = (data: Buffer, flags: number): unknown => this.deserialize(data, flags);
    const context: ClientContext = {
      executor: new OperationExecutor(dispatcher, { failSoft: checked.given.failSoft === true }),
      decoders: makeDecoders({
        deserializer: () => (isStandard && this.deserialize === ownMethods.deserialize ? undefined : deserialize),
        standard: pylibmcCodec,
        servers: dispatcher.servers,
        maxInflated: checked.maxInflated,
      }),
      serializer: new Serializer(checked.codec, () =>
        isStandard && this.serialize === ownMethods.serialize ? undefined : serialize,
      ),
    };
    super(context);
    this.#given = checked.servers;
    this.#options = checked.given;
    this.#transport = checked.addresses[0]?.transport;
    this.#codec = checked.codec;
    this.#codecSerializer = new Serializer(checked.codec, () => (value) => checked.codec.serialize(value));
    this.#maxInflated = checked.maxInflated;
    this.#isBinary = checked.binary;
    this.#dispatcher = dispatcher;
    this.#context = context;
    dispatcher.followBehaviors(checked.behaviors);
  }

  // Caching.

  /**
   * Resolves with the key's value. On a miss, calls `loader`, and stores what that resolves with unless it is undefined. Of all
   * callers in all processes one loads, and the others wait for it. With `staleFor`, an old value is served while one caller
   * loads a new one.
   *
   * Rejects with what the loader throws, which is not cached: the next call tries again. Rejects with a TimeoutError if
   * there is no value within `timeout`. If the cache cannot be reached, the value is loaded once in this
   * process, and the error is published on the diagnostics channel `libmemcached:failure`.
   */
  getOrSet<T>(key: Key, loader: Loader<T>, time?: TimeArg | GetOrSetOptions): Promise<T> {
    rejectCallback(time);
    return this.#getOrSet(key, loader, time);
  }

  async #getOrSet<T>(key: Key, loader: Loader<T>, time: TimeArg | GetOrSetOptions | undefined): Promise<T> {
    const { keyLimits, timeout } = this.#dispatcher;
    const plan = toPlan(key, loader, time, { maxKeyBytes: keyLimits.maxKeyBytes, timeout });
    const readThrough = (this.#readThrough ??= this.#makeReadThrough());
    return (await readThrough.run(() => readThrough.lookUp(plan.key, plan, plan.call), plan)) as T;
  }

  #makeReadThrough(): ReadThrough {
    const context = { ...this.#context, executor: this.#context.executor.forBegunCalls() };
    return new ReadThrough(context, new InternalItems(context));
  }

  // Views.

  /**
   * Returns a view of this client whose keys belong to a namespace: one `invalidate()` makes all of them misses, in all processes.
   * Not pylibmc's behavior of that name, which is a fixed prefix.
   *
   * @throws TypeError or RangeError unless the name is a string of 1 … 200 bytes
   */
  namespace(name: string): Namespace {
    this.#namespaces ??= new Namespaces(this.#context);
    return this.#namespaces.get(name);
  }

  // Servers.

  /**
   * The servers as they were given, without the credentials of a URL. With `autoDiscovery`: those that were found, or the
   * configuration endpoint until then.
   */
  get servers(): readonly string[] {
    return this.#dispatcher.servers.list;
  }

  /**
   * Changes the servers of an open client. Operations already called go to the old servers; later ones follow the new list.
   * Servers that stay keep their connections; those of others drain and close. With ketama, only the keys that have to move do.
   *
   * @throws TypeError or RangeError for malformed servers, between UDP and anything else, and with `autoDiscovery`
   */
  setServers(servers: string | readonly string[]): void {
    if (this.#dispatcher.discovery !== undefined)
      throw new TypeError('setServers: not possible with autoDiscovery, which finds the servers itself');
    const isTls = Boolean(this.#options.tls);
    this.#dispatcher.setServers(readOtherServers(servers, { transport: this.#transport, isTls }));
  }

  /**
   * Opens every connection, so that the first requests find them open. Rejects with SomeErrors if a server cannot be
   * reached: its `errors` has the error of each, by the server's name. Over UDP there is nothing to open.
   */
  connect(options?: CallOptions): Promise<void> {
    rejectCallback(options);
    return this.#connect(options);
  }

  async #connect(given: CallOptions | undefined): Promise<void> {
    const options = readCallOptions(given);
    if (this.#transport === Transport.Udp) return;
    const { executor, decoders } = this.#context;
    const errors = new Map<string, unknown>();
    try {
      for (const { server, result } of await executor.broadcastAll(Op.Version, decoders.text, makePayload(''), options))
        if (result.status === 'rejected') errors.set(serverName(server), ofServer(result.reason));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      errors.set(error.server ?? '', error); // the configuration endpoint
    }
    if (errors.size > 0) throw connectError(errors);
  }

  /** Adds a listener for changes of a server's state: `up`, `down`, `probing`, `dead`. */
  on(event: 'state', listener: (change: StateChange) => void): this {
    this.#dispatcher.connections.events.on(event, listener);
    return this;
  }

  /** Adds a listener that is called once. */
  once(event: 'state', listener: (change: StateChange) => void): this {
    this.#dispatcher.connections.events.once(event, listener);
    return this;
  }

  /** Removes a listener. */
  off(event: 'state', listener: (change: StateChange) => void): this {
    this.#dispatcher.connections.events.off(event, listener);
    return this;
  }

  /** Empties all servers; with `time`, after this many seconds. */
  flushAll(options?: FlushOptions): Promise<true> {
    rejectCallback(options);
    return this.#flushAll(options);
  }

  async #flushAll(given: FlushOptions = {}): Promise<true> {
    const { time, ...call } = readOptions<FlushOptions>(given, flushNames);
    const { executor, decoders } = this.#context;
    await executor.broadcast(Op.Flush, decoders.nothing, makePayload('', 0, toFlushDelay(time)), call);
    return true;
  }

  /**
   * Resolves with the statistics of every server: pairs of a name, `127.0.0.1:11211 (0)` as pylibmc has it, and the
   * statistics. `group`: as memcached's `stats` takes it (`'items'`, `'slabs'`, …). Rejects with UnknownStatKey if the
   * server does not know it.
   */
  getStats(group?: string, options?: CallOptions): Promise<[name: string, stats: Record<string, string>][]> {
    rejectCallback(group);
    rejectCallback(options);
    return this.#getStats(group, options);
  }

  async #getStats(group: unknown, options: CallOptions | undefined): Promise<[string, Record<string, string>][]> {
    const { executor, decoders } = this.#context;
    const texts = await executor.broadcast(Op.Stats, decoders.text, makePayload(checkStatsArgument(group)), options);
    return texts.map(({ server: { host, port }, result }, index) => [
      `${host}:${String(port)} (${String(index)})`,
      parseStats(result),
    ]);
  }

  /** Resolves with every server's version, by its name. Asks the servers. */
  version(options?: CallOptions): Promise<Map<string, string>> {
    rejectCallback(options);
    return this.#version(options);
  }

  async #version(options: CallOptions | undefined): Promise<Map<string, string>> {
    const { executor, decoders } = this.#context;
    const versions = await executor.broadcast(Op.Version, decoders.text, makePayload(''), options);
    return new Map(versions.map(({ server, result }) => [serverName(server), result]));
  }

  /** Closes all connections and forgets which servers failed. The next operation connects. */
  disconnectAll(options?: CallOptions): Promise<void> {
    rejectCallback(options);
    return this.#disconnectAll(options);
  }

  async #disconnectAll(options: CallOptions | undefined): Promise<void> {
    const { executor, decoders } = this.#context;
    await executor.broadcast(Op.Disconnect, decoders.nothing, makePayload(''), options);
  }

  /** Returns what this client has counted since it was made; see docs/observability.md. Asks no server. */
  metrics(): ClientMetrics {
    return this.#dispatcher.metrics();
  }

  // Life.

  /** Returns a client with the same servers, options, behaviors and codec, and connections of its own. */
  clone(): this {
    // A subclass whose constructor takes something else has to override this.
    const make = this.constructor as new (servers: readonly string[], options: ClientOptions) => this;
    const isDiscovered = this.#dispatcher.discovery !== undefined;
    const copy = new make(isDiscovered ? this.#given : this.servers, this.#options);
    for (const behaviors of this.#laterBehaviors) copy.setBehaviors(behaviors);
    return copy;
  }

  /** Whether `close` or `destroy` was called: operations reject with ClientClosed. */
  get closed(): boolean {
    return this.#dispatcher.lifecycle.isClosing;
  }

  /** Lets pending operations finish (each is bounded by its deadline); later ones reject with ClientClosed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#dispatcher.lifecycle.close();
    return this.#closing;
  }

  /** Closes at once: pending operations reject with ClientClosed. Idempotent. */
  destroy(): void {
    this.#dispatcher.lifecycle.destroy();
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

  /** Returns a copy of the behaviors in force. */
  getBehaviors(): Behaviors {
    return behaviorTable.fromNative(this.#dispatcher.servers.getBehaviors());
  }

  /**
   * Sets behaviors; those that are not named stay. They apply to every later operation, never to one already called.
   *
   * @throws TypeError for an unknown name or a wrong type, RangeError for a value that this libmemcached does not have
   */
  setBehaviors(given: Partial<Behaviors>): void {
    const behaviors = behaviorTable.readBehaviors(given);
    const checked = behaviorTable.toNative(behaviors, this.#isBinary);
    try {
      this.#dispatcher.setBehaviors(checked);
    } catch (error) {
      throw behaviorError(error);
    }
    this.#rememberForClones(behaviors);
  }

  #rememberForClones(behaviors: Partial<Behaviors>): void {
    // What is set again is forgotten: else the list would grow with every change.
    const isSetAgain = (name: string): boolean => Object.hasOwn(behaviors, name);
    const others = this.#laterBehaviors.filter((earlier) => !Object.keys(earlier).every(isSetAgain));
    this.#laterBehaviors = [...others, behaviors];
  }

  // Placement.

  /** Returns the distribution's choice among the servers: libmemcached's `memcached_generate_hash`, pylibmc's `hash`. */
  hash(key: Key): number {
    return this.#route(key, 'hash').route[0];
  }

  /** Returns the server that a key goes to now, as `host:port` or path. */
  serverFor(key: Key): string {
    return this.#dispatcher.servers.name(this.#route(key, 'serverFor').route[2]);
  }

  /** Returns where a key goes, and why. */
  explain(key: Key): Explanation {
    const { key: own, route } = this.#route(key, 'explain');
    const [hash, digest, server, state] = route;
    return {
      wireKey: Buffer.concat([Buffer.from(this.getBehaviors().namespace), keyBytes(own)]),
      digest,
      hash,
      server: this.#dispatcher.servers.name(server),
      serverState: serverStates[state] ?? 'up',
    };
  }

  #route(given: Key, method: string): { key: Key; route: Route } {
    assertKey(given, method);
    const key = ownCopy(given);
    const reason = whyBadKey(key, { maxKeyBytes: this.#dispatcher.keyLimits.maxKeyBytes, isText: false });
    if (reason !== undefined) throw badKeyError(key, method, reason);
    return { key, route: this.#dispatcher.servers.route(key) };
  }

  // Values.

  /**
   * Turns a value into bytes and flags. Override it in a subclass, together with `deserialize`, or pass a `codec`.
   *
   * @throws TypeError for what the codec cannot store
   */
  serialize(value: unknown): Serialized {
    const { data, flags } = this.#codecSerializer.toBytes(value);
    return [typeof data === 'string' ? Buffer.from(data) : data, flags];
  }

  /**
   * Turns bytes and flags into a value. Throw CacheMiss to have it treated as a miss.
   *
   * @throws DeserializationError
   */
  deserialize(data: Uint8Array, flags: number): unknown {
    if (!isBytes(data)) throw new TypeError(`deserialize: data must be bytes, not ${describeType(data)}`);
    const buffer = Buffer.isBuffer(data) ? data : copyOfBytes(data);
    return this.#codec.deserialize(buffer, flags, this.#maxInflated);
  }
}

/** What is called without a detour. */
const ownMethods = Client.prototype;

function dispatcherFor(checked: CheckedOptions): Dispatcher {
  const { username, password } = checked.given;
  return new Dispatcher({
    servers: { list: checked.servers, addresses: checked.addresses },
    discoveryInterval: checked.discoveryInterval,
    tls: checked.tls,
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

/** @throws the reason itself if it is none of a server: that of a signal, or that the client is closed */
function ofServer(reason: unknown): MemcachedError {
  if (reason instanceof MemcachedError && !(reason instanceof ClientClosed)) return reason;
  throw reason;
}

function connectError(errors: Map<string, unknown>): SomeErrors {
  const reasons = [...errors.values()].map((error) => (error instanceof Error ? error.message : String(error)));
  const [first] = errors.values();
  return new SomeErrors(`connect: ${reasons.join('; ')}`, {
    operation: 'connect',
    retcode: returnCode('SOME_ERRORS'),
    cause: first,
    errors,
  });
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
