/** A view of a client: keys that can be invalidated all at once. */

import type { Dispatcher } from '../dispatch/dispatcher';
import { KeyOperations } from '../operations/key-operations';
import type { ClientContext } from '../operations/client-context';
import { rejecting } from '../operations/rejecting';
import { readCallOptions, rejectCallback, type CallOptions } from '../options/call-options';
import type { TimeArg } from '../options/expiry';
import { describeType } from '../describe-type';
import { internalPrefix, isInternal, withPrefix, type Key } from '../options/keys';
import { assertWellFormed } from '../well-formed';
import { toPlan, type GetOrSetOptions, type Loader } from '../read-through/get-or-set';
import { InternalItems } from '../read-through/internal-items';
import { ReadThrough, type LookupResult } from '../read-through/read-through';
import { Generation } from './generation';
import { NamespacedExecutor } from './namespaced-executor';

/**
 * The keys of one namespace. Made by `client.namespace(name)`.
 *
 * Its methods are the client's, for keys that are stored as `<name>:<generation>:<key>`. The generation is read with
 * every operation, from the key `@@generation:<name>`: once an `invalidate()` of any process has resolved, no operation
 * that is called afterwards, in any process, sees what was stored before. If the generation's server cannot be reached,
 * operations fail as if the key's own could not.
 *
 * Operations on the same key take effect in the order in which they were called. `invalidate()` has to be awaited by
 * what must not see old values; of `cas`, the key is gone if it came between. Keys of multis that are Buffers must not be
 * changed before the promise has settled.
 */
export class Namespace extends KeyOperations {
  readonly name: string;
  readonly #generation: Generation;
  readonly #readThrough: ReadThrough;
  readonly #dispatcher: Dispatcher;

  /** @internal Use `client.namespace(name)`. */
  constructor(name: string, generation: Generation, context: ClientContext, readThrough: ReadThrough) {
    super({ ...context, executor: new NamespacedExecutor(generation, context.executor) });
    this.name = name;
    this.#readThrough = readThrough;
    this.#dispatcher = context.executor.dispatcher;
    this.#generation = generation;
  }

  /** How many bytes a key may have: 250, without what goes before it. */
  get maxKeyBytes(): number {
    return this.#dispatcher.keyLimits.maxKeyBytes - this.#generation.prefixBytes;
  }

  /**
   * Makes everything that is stored in the namespace unreachable; memcached forgets it when it needs the room. Takes one
   * write, however much is stored.
   *
   * Rejects, with `failSoft`, too, if the server did not confirm it: then it may or may not have been done.
   */
  invalidate(options?: CallOptions): Promise<void> {
    rejectCallback(options);
    return rejecting(() => this.#generation.invalidate(readCallOptions(options)));
  }

  // Caching.

  /**
   * As the client's `getOrSet`. A value that was being loaded when the namespace was invalidated is not found afterwards.
   */
  getOrSet<T>(key: Key, loader: Loader<T>, time?: TimeArg | GetOrSetOptions): Promise<T> {
    rejectCallback(time);
    return this.#getOrSet(key, loader, time);
  }

  async #getOrSet<T>(key: Key, loader: Loader<T>, time: TimeArg | GetOrSetOptions | undefined): Promise<T> {
    const plan = toPlan(key, loader, time, { maxKeyBytes: this.maxKeyBytes, timeout: this.#dispatcher.timeout });
    const lookUp = (prefix: string, late: CallOptions | undefined): Promise<LookupResult> =>
      this.#readThrough.lookUp(
        withPrefix(prefix, plan.key),
        plan,
        late === undefined ? plan.call : { ...plan.call, ...late },
      );
    const lookUpInGeneration = (): Promise<LookupResult> =>
      this.#generation.run('getOrSet', lookUp, plan.call, false).catch((error: unknown) =>
        // Without a generation there is no key to store it under; this one is for those who wait in this process.
        this.#readThrough.outage(withPrefix(`${this.name}:`, plan.key), plan, error),
      );
    return (await this.#readThrough.run(lookUpInGeneration, plan)) as T;
  }
}

/** Of a name, in bytes: leaves 36 for the keys. */
const maxNameBytes = 200;
/** Namespaces whose generations a client remembers. */
const maxRemembered = 1000;

/** The namespaces of one client. */
export class Namespaces {
  readonly #context: ClientContext;
  readonly #items: InternalItems;
  readonly #readThrough: ReadThrough;
  /** By name; the one that was asked for last is last. */
  readonly #generations = new Map<string, Generation>();

  constructor(context: ClientContext) {
    this.#context = context;
    const begun = { ...context, executor: context.executor.forBegunCalls() };
    this.#items = new InternalItems(begun);
    this.#readThrough = new ReadThrough(begun, this.#items);
  }

  /** @throws TypeError, RangeError */
  get(name: string): Namespace {
    const given: unknown = name;
    if (typeof given !== 'string')
      throw new TypeError(`namespace: the name must be a string, not ${describeType(given)}`);
    assertWellFormed(given, 'namespace: the name');
    const bytes = Buffer.byteLength(given);
    if (bytes === 0 || bytes > maxNameBytes)
      throw new RangeError(`namespace: the name must have 1 … ${String(maxNameBytes)} bytes, not ${String(bytes)}`);
    if (isInternal(given)) throw new RangeError(`namespace: the name must not begin with ${internalPrefix}`);
    return new Namespace(given, this.#generation(given), this.#context, this.#readThrough);
  }

  /** All views of a name share it: so they keep the order of their operations, and know what each other has seen. */
  #generation(name: string): Generation {
    const { dispatcher } = this.#context.executor;
    const generation = this.#generations.get(name) ?? new Generation(name, this.#items, dispatcher);
    this.#generations.delete(name);
    this.#generations.set(name, generation);
    if (this.#generations.size > maxRemembered) {
      const [eldest] = this.#generations.keys();
      this.#generations.delete(eldest as string);
    }
    return generation;
  }
}
