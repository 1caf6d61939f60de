/**
 * How `getOrSet` finds a value, or has it loaded once: by one caller of this process (a flight that the others join), and
 * by one process (a lease).
 *
 * Loads that overlap, because a lease was lost, cannot spoil each other: what is stored replaces only what was there when
 * the lease was taken (`add`, or `cas`), so an older load never overwrites a newer one, nor what anybody else wrote
 * meanwhile.
 */

import type { CallOptions } from '../options/call-options';
import { ClientClosed, TimeoutError, quoteKey, returnCode } from '../errors';
import { SingleFlight } from './single-flight';
import type { Plan } from './get-or-set';
import { keyBytes, type Key } from '../options/keys';
import { falseIfNotFound, Lease, Leases, noToken } from './lease';
import { miss } from '../operations/decoders';
import { checkStoreOptions } from '../operations/arguments';
import type { ClientContext } from '../operations/client-context';
import type { Dispatcher } from '../dispatch/dispatcher';
import { SingleOperation } from '../operations/operation';
import { isOutage, noFallback, publishFailure } from '../observability/fail-soft';
import type { InternalItems } from './internal-items';
import { Op } from '../addon/record-layout';
import { now, sleep } from '../timing';

/** Milliseconds between two looks at what somebody else loads: twice as long each time. */
const minWaitMs = 5;
const maxWaitMs = 200;

/** What a first look has found. */
export interface LookupResult {
  /** Of this key on the wire. */
  key: Key;
  /** `miss` if there is none. */
  value: unknown;
  /** It is to be loaded again, if nobody does so yet. */
  isDue: boolean;
  /** The cache cannot be reached. */
  isOutage: boolean;
}

export class ReadThrough {
  readonly #context: ClientContext;
  readonly #dispatcher: Dispatcher;
  readonly #leases: Leases;
  /** By key. */
  readonly #flights = new Map<string, SingleFlight>();
  /** Keys whose leases are being taken to load them again. */
  readonly #refreshing = new Set<string>();

  constructor(context: ClientContext, items: InternalItems) {
    this.#context = context;
    this.#dispatcher = context.executor.dispatcher;
    this.#leases = new Leases(items);
  }

  /**
   * A whole call: what `lookUp` finds, or what is loaded. A client that is closed meanwhile waits for it, but not for the
   * loader: who closes the client may be who finishes the load.
   *
   * @throws ClientClosed
   */
  async run(lookUp: () => Promise<LookupResult>, plan: Plan): Promise<unknown> {
    const { lifecycle } = this.#dispatcher;
    lifecycle.begin('getOrSet');
    let result: Promise<unknown>;
    try {
      result = this.#resolve(await lookUp(), plan);
    } finally {
      lifecycle.release();
    }
    return await result;
  }

  /** Never rejects because of an outage, unless the caller's time is over. */
  async lookUp(key: Key, plan: Plan, options: CallOptions | undefined): Promise<LookupResult> {
    const { executor, decoders } = this.#context;
    const reading = executor.send(new SingleOperation(Op.Get, key, decoders.valueOrMiss<unknown>, noFallback), options);
    try {
      if (!plan.servesStale) return { key, value: await reading, isDue: false, isOutage: false };
      // That the age is not known is no reason to load.
      const asking = this.#leases.isDue(key, options).catch(falseIfOutage);
      const [value, isDue] = await Promise.all([reading, asking]);
      return { key, value, isDue, isOutage: false };
    } catch (error) {
      return this.outage(key, plan, error);
    }
  }

  /** What to go on with after an error. @throws it, unless it is an outage that leaves time to load */
  outage(key: Key, plan: Plan, error: unknown): LookupResult {
    if (!isOutage(error) || now() >= plan.deadline) throw error;
    publishFailure(error);
    return { key, value: miss, isDue: false, isOutage: true };
  }

  /** The value that was found, or will be loaded. */
  async #resolve(found: LookupResult, plan: Plan): Promise<unknown> {
    const id = Buffer.from(keyBytes(found.key)).toString('latin1');
    if (found.value !== miss) {
      if (found.isDue) void this.#refresh(id, found.key, plan);
      return found.value;
    }
    const late = (): Error => timeoutError(plan);
    return this.#flightFor(id, found, plan).join(plan.deadline - now(), late, plan.call?.signal);
  }

  /** The one in which this key is being loaded, or a new one. */
  #flightFor(id: string, found: LookupResult, plan: Plan): SingleFlight {
    const flight = this.#flights.get(id);
    // A load that outlived its lease may hang for ever: later callers start a new one.
    const isLost = (flight?.loadingSince ?? Infinity) + plan.leaseFor * 1000 < now();
    if (flight !== undefined && !isLost) return flight;
    return this.#fly(id, (own) =>
      found.isOutage ? this.#load(own, plan) : this.#loadOrWait(id, own, found.key, plan),
    );
  }

  #fly(id: string, run: (flight: SingleFlight) => Promise<unknown>): SingleFlight {
    return new SingleFlight(async (flight) => {
      this.#flights.set(id, flight);
      this.#dispatcher.lifecycle.retain();
      try {
        return await run(flight);
      } finally {
        this.#land(id, flight);
        this.#dispatcher.lifecycle.release();
      }
    });
  }

  #land(id: string, flight: SingleFlight): void {
    if (this.#flights.get(id) === flight) this.#flights.delete(id);
  }

  /** Loads it as soon as nobody else does; or takes what somebody else has stored. */
  async #loadOrWait(id: string, flight: SingleFlight, key: Key, plan: Plan): Promise<unknown> {
    let isGone = false;
    for (let wait = minWaitMs; ; wait = Math.min(wait * 2, maxWaitMs)) {
      let lease: Awaited<ReturnType<Leases['take']>>;
      let current: Current;
      try {
        lease = await this.#leases.take(key, plan.leaseFor, isGone);
        // After the lease: its last holder stored the value before giving it up.
        current = await this.#current(key);
      } catch (error) {
        if (!isOutage(error)) throw error;
        publishFailure(error);
        return this.#load(flight, plan);
      }
      if (current.value !== miss) {
        if (lease instanceof Lease) await ignoringFailure(lease.endFree());
        return current.value;
      }
      if (lease instanceof Lease) return this.#loadWith(lease, undefined, flight, key, plan);
      // Fresh, but not there: evicted or deleted. Else somebody loads it.
      isGone = lease === 'fresh';
      if (isGone) continue;
      if (!flight.isWanted) {
        this.#land(id, flight); // at once: nobody may join it any more
        return undefined;
      }
      await sleep(wait * (0.5 + Math.random() / 2));
    }
  }

  /** Loads a stale value again, if nobody else does. Its failures are published, as nobody waits. */
  async #refresh(id: string, key: Key, plan: Plan): Promise<void> {
    if (this.#flights.has(id) || this.#refreshing.has(id)) return;
    this.#refreshing.add(id);
    this.#dispatcher.lifecycle.retain();
    let flight: SingleFlight | undefined;
    try {
      const lease = await this.#leases.take(key, plan.leaseFor, false);
      if (!(lease instanceof Lease)) return;
      const { token } = await this.#current(key);
      if (token === noToken) {
        // Whether somebody has written a newer value cannot be told: the old one is served to its end, and then loaded.
        await lease.endFresh(noToken, plan.leaseFor);
        return;
      }
      flight = this.#fly(id, (own) => this.#loadWith(lease, token, own, key, plan));
    } catch (error) {
      publishFailure(error);
    } finally {
      this.#refreshing.delete(id); // the flight keeps others away, as long as it may
      this.#dispatcher.lifecycle.release();
    }
    flight?.result.catch(publishFailure);
  }

  async #loadWith(
    lease: Lease,
    token: bigint | undefined,
    flight: SingleFlight,
    key: Key,
    plan: Plan,
  ): Promise<unknown> {
    let value: unknown;
    try {
      value = await this.#load(flight, plan);
      if (value !== undefined) await this.#store(lease, token, value, key, plan);
      else await ignoringFailure(lease.endFree());
    } catch (error) {
      await ignoringFailure(lease.endFree());
      throw error;
    }
    return value;
  }

  async #load(flight: SingleFlight, plan: Plan): Promise<unknown> {
    const { lifecycle } = this.#dispatcher;
    flight.loadingSince = now();
    lifecycle.release();
    try {
      return await plan.load();
    } finally {
      lifecycle.retain();
    }
  }

  /** @throws what is wrong with the value. A cache that fails does not lose it. */
  async #store(lease: Lease, token: bigint | undefined, value: unknown, key: Key, plan: Plan): Promise<void> {
    try {
      const own = await lease.confirm();
      if (own === undefined) return; // lost: somebody else loads
      const { executor, decoders, serializer } = this.#context;
      const options = checkStoreOptions(plan.store); // now: a long time counts from here
      const payload = serializer.toPayload(value, options, token ?? 0);
      const op = token === undefined ? Op.Add : Op.Cas;
      const storing = executor.send(new SingleOperation(op, key, decoders.stored, false, payload));
      if ((await storing.catch(falseIfNotFound)) && plan.servesStale) await lease.endFresh(own, plan.freshUntil);
      else await lease.endFree(own);
    } catch (error) {
      if (!isOutage(error) && !(error instanceof ClientClosed)) throw error;
      publishFailure(error);
    }
  }

  async #current(key: Key): Promise<Current> {
    const { executor, decoders } = this.#context;
    const read = new SingleOperation(Op.Gets, key, decoders.valueWithToken<unknown>, noFallback);
    const found = await executor.send(read);
    if (found === miss) return { value: miss, token: undefined };
    const [value, token] = found;
    return { value, token };
  }
}

/** A value and its CAS token; `miss` and undefined if it is not there. */
interface Current {
  value: unknown;
  token: bigint | undefined;
}

function timeoutError(plan: Plan): TimeoutError {
  const name = quoteKey(plan.key);
  return new TimeoutError(`getOrSet ${name}: no value within ${String(Math.round(plan.timeout))} ms`, {
    operation: 'getOrSet',
    key: plan.key,
    retcode: returnCode('TIMEOUT'),
  });
}

async function ignoringFailure(promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    publishFailure(error); // the lease will run out
  }
}

function falseIfOutage(error: unknown): false {
  if (!isOutage(error)) throw error;
  return false;
}
