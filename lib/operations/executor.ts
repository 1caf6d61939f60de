/** Runs operations: sends them, traces them, and falls back under `failSoft`. */

import { operationNames, type Op } from '../addon/record-layout';
import { giveUpWhen } from '../dispatch/abort';
import type { Dispatcher } from '../dispatch/dispatcher';
import { closedError } from '../dispatch/failures';
import type { Payload } from '../dispatch/pending-operation';
import { TimeoutError, describe, describeDeadline } from '../errors';
import { noFallback, withFallback } from '../observability/fail-soft';
import { isTraced, traced, tracedMulti } from '../observability/tracing';
import { readCallOptions, type CallOptions } from '../options/call-options';
import type { ServerAddress } from '../options/servers';
import { now } from '../timing';
import type { Discovery } from '../topology/discovery';
import type { InitialCounter } from './initial-counter';
import { SingleOperation, type Decoder, type Operation } from './operation';
import { toCommandContext } from './operation-context';
import { rejection } from './rejecting';

/** Runs operations on keys: as they are, or in a namespace. */
export interface Executor {
  send<R>(operation: Operation<R>, options?: CallOptions): Promise<R>;
  /** Runs a counter that is created if it does not exist: several operations, one call. */
  adjustCounter(counter: InitialCounter, options?: CallOptions): Promise<number | bigint>;
}

interface ExecutorOptions {
  failSoft: boolean;
  /** It sends for calls that have begun: a client that is closing accepts that. */
  acceptWhileClosing?: boolean;
}

/** What one server answered. */
export interface FromServer<R> {
  readonly server: ServerAddress;
  readonly result: R;
}

export class OperationExecutor implements Executor {
  readonly dispatcher: Dispatcher;
  readonly failSoft: boolean;
  readonly #acceptWhileClosing: boolean;

  constructor(dispatcher: Dispatcher, options: ExecutorOptions) {
    this.dispatcher = dispatcher;
    this.failSoft = options.failSoft;
    this.#acceptWhileClosing = options.acceptWhileClosing === true;
  }

  /** Returns one for what calls that have begun send later. */
  forBegunCalls(): OperationExecutor {
    return new OperationExecutor(this.dispatcher, { failSoft: this.failSoft, acceptWhileClosing: true });
  }

  /** `isPart`: of something that is traced, and falls back, as a whole. */
  send<R>(operation: Operation<R>, options?: CallOptions, isPart = false): Promise<R> {
    if (isTraced() && !isPart) return this.#sendTraced(operation, options);
    let promise: Promise<R>;
    try {
      const call = readCallOptions(options); // the caller's code may run here: nothing has begun yet
      promise = operation.begin(this.dispatcher.keyLimits);
      this.dispatcher.send(operation, call, this.#acceptWhileClosing);
    } catch (error) {
      promise = rejection(error);
    }
    return this.failSoft && !isPart ? withFallback(promise, operation) : promise;
  }

  // A function of its own: the closure would cost every operation, traced or not.
  #sendTraced<R>(operation: Operation<R>, options: CallOptions | undefined): Promise<R> {
    const context = toCommandContext(operation, this.dispatcher.servers);
    const send = (): Promise<R> => this.send(operation, options, true);
    const promise =
      operation.wireKeys === undefined
        ? traced(context, send)
        : tracedMulti(context, send, (result) => operation.partErrors(result));
    return this.failSoft ? withFallback(promise, operation) : promise;
  }

  async adjustCounter(counter: InitialCounter, given?: CallOptions): Promise<number | bigint> {
    const { lifecycle, servers } = this.dispatcher;
    const options = readCallOptions(given);
    const own = counter.kept(); // it is sent again
    if (this.#acceptWhileClosing) lifecycle.retain();
    else lifecycle.begin(operationNames[counter.op]);
    try {
      const executor = this.forBegunCalls();
      const run = (): Promise<number | bigint> => own.run(executor, options);
      return await (isTraced() ? traced(toCommandContext(own, servers), run) : run());
    } finally {
      lifecycle.release();
    }
  }

  /** Sends an operation to each server; rejects with the first error after all have settled. */
  async broadcast<R>(
    op: Op,
    decode: Decoder<R>,
    payload: Payload,
    options: CallOptions | undefined,
  ): Promise<FromServer<R>[]> {
    const settled = await this.broadcastAll(op, decode, payload, options);
    return settled.map(({ server, result }) => {
      if (result.status === 'rejected') throw result.reason;
      return { server, result: result.value };
    });
  }

  /** As `broadcast`, but resolves with what became of each, in the order of the list. Rejects if there is no list. */
  async broadcastAll<R>(
    op: Op,
    decode: Decoder<R>,
    payload: Payload,
    options: CallOptions | undefined,
  ): Promise<FromServer<PromiseSettledResult<R>>[]> {
    const { discovery, lifecycle, servers } = this.dispatcher;
    const send = async (
      executor: OperationExecutor,
      call: CallOptions | undefined,
    ): Promise<FromServer<PromiseSettledResult<R>>[]> => {
      const list = servers.addresses;
      const promises = servers.ids.map((server) =>
        executor.send(new SingleOperation(op, undefined, decode, noFallback, payload, server), call),
      );
      const results = await Promise.allSettled(promises);
      return list.map((server, index) => ({ server, result: results[index] as PromiseSettledResult<R> }));
    };
    if (discovery === undefined || discovery.isKnown) return send(this, options);
    const call = readCallOptions(options);
    lifecycle.begin(operationNames[op]);
    try {
      return await send(this.forBegunCalls(), await this.#discover(op, discovery, call));
    } finally {
      lifecycle.release();
    }
  }

  /** Waits until the servers are known; resolves with the options for what comes then: it has the rest of the time. */
  #discover(op: Op, discovery: Discovery, call: CallOptions | undefined): Promise<CallOptions> {
    const { lifecycle, servers, timeout } = this.dispatcher;
    const milliseconds = call?.timeout ?? timeout;
    const deadline = now() + milliseconds;
    const late = (): Error => {
      const details = { operation: operationNames[op], server: servers.list[0] ?? '' };
      return new TimeoutError(`${describe(details)}: ${describeDeadline(milliseconds, false)}`, details);
    };
    return new Promise((resolve, reject) => {
      const stop = giveUpWhen({ milliseconds, late, signal: call?.signal }, reject);
      discovery.known().then(
        () => {
          stop();
          resolve({ ...call, timeout: Math.max(1, deadline - now()) });
        },
        (error: unknown) => {
          stop();
          reject(lifecycle.isClosed ? closedError(operationNames[op]) : (error as Error));
        },
      );
    });
  }
}
