/** Runs operations on the keys of a namespace: each with the generation that is current while it runs. */

import { isWrite, operationNames, type Op } from '../addon/record-layout';
import { withFallback, type Forgiving } from '../observability/fail-soft';
import type { Executor, OperationExecutor } from '../operations/executor';
import type { InitialCounter } from '../operations/initial-counter';
import type { Operation } from '../operations/operation';
import { rejecting } from '../operations/rejecting';
import { readCallOptions, type CallOptions } from '../options/call-options';
import type { Generation } from './generation';

/** What may be sent later, or twice: values are serialized, and bytes copied, when the operation is called. */
interface Repeatable<Self> {
  readonly op: Op;
  kept(): Self;
  withPrefix(prefix: string): Self;
}

export class NamespacedExecutor implements Executor {
  readonly #generation: Generation;
  readonly #executor: OperationExecutor;

  constructor(generation: Generation, executor: OperationExecutor) {
    this.#generation = generation;
    this.#executor = executor.forBegunCalls();
  }

  send<R>(operation: Operation<R>, options?: CallOptions): Promise<R> {
    return this.#run<Operation<R>, R>(operation, options, (prefixed, call) => this.#executor.send(prefixed, call));
  }

  adjustCounter(counter: InitialCounter, options?: CallOptions): Promise<number | bigint> {
    return this.#run(counter, options, (prefixed, call) => this.#executor.adjustCounter(prefixed, call));
  }

  #run<O extends Repeatable<O> & Forgiving<R>, R>(
    operation: O,
    given: CallOptions | undefined,
    send: (prefixed: O, call: CallOptions | undefined) => Promise<R>,
  ): Promise<R> {
    return rejecting(() => {
      const options = readCallOptions(given);
      const own = operation.kept();
      const sendTo = (prefix: string, late: CallOptions | undefined): Promise<R> =>
        send(own.withPrefix(prefix), late === undefined ? options : { ...options, ...late });
      const promise = this.#generation.run(operationNames[own.op], sendTo, options, isWrite(own.op));
      // Of an outage of the generation's server.
      return this.#executor.failSoft ? withFallback(promise, own) : promise;
    });
  }
}
