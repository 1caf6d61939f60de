/** The tracing channel `libmemcached:command`: every operation is published if there are subscribers. */

import diagnostics from 'node:diagnostics_channel';

import type { Key } from '../options/keys';
import type { OperationName } from './metrics';

/** A `TracingChannel` of node:diagnostics_channel, whose messages are {@link CommandContext}s. */
const commandChannelName = 'libmemcached:command';

/** One operation, or one multi-operation: the same object from `start` to `asyncEnd`. */
export interface CommandContext {
  /** `get` for `get`, `has` and `getMulti`; `incr` with an initial value is an `incr`. */
  readonly operation: OperationName;
  /** Of operations on one key: as it goes on the wire, but without the behavior `namespace`. */
  readonly key?: Key | undefined;
  /** Of multis, their keys, likewise. Not to be changed. */
  readonly keys?: readonly Key[] | undefined;
  /** Where it goes, as `host:port` or path. Undefined in multis, which may go to several, unless there is only one. */
  readonly server?: string | undefined;
  /** The server's host name, address or path. */
  readonly serverAddress?: string | undefined;
  /** Undefined for Unix sockets. */
  readonly serverPort?: number | undefined;
  /** In `asyncEnd`, unless it failed: of operations on one key, what it resolves to. */
  result?: unknown;
  /**
   * In `error` and after it: what it rejects with (without `failSoft`). Of multis the first error, also if the call itself
   * resolves, as `setMulti` does.
   */
  error?: unknown;
  /** In `asyncEnd` of multis: how many keys failed. */
  failedKeys?: number;
}

const commands = diagnostics.tracingChannel<unknown, CommandContext>(commandChannelName);
const { start, end, asyncStart, asyncEnd, error } = commands;

/** Whether anybody listens. Asked for every operation; TracingChannel's own `hasSubscribers` came with Node 20.13. */
export function isTraced(): boolean {
  return (
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers
  );
}

export function traced<T>(context: CommandContext, run: () => Promise<T>): Promise<T> {
  return commands.tracePromise(run, context);
}

/** As `traced`, for a multi, whose own promise does not say what became of each key. */
export async function tracedMulti<R>(
  context: CommandContext,
  run: () => Promise<R>,
  partErrors: (result: R) => readonly unknown[],
): Promise<R> {
  const results: R[] = [];
  await traced(context, async () => {
    const result = await run();
    publishFailedKeys(context, partErrors(result));
    results.push(result);
  });
  return results[0] as R;
}

function publishFailedKeys(context: CommandContext, errors: readonly unknown[]): void {
  const failed = errors.filter((member) => member !== undefined);
  context.failedKeys = failed.length;
  if (failed.length === 0) return;
  context.error = failed[0];
  error.publish(context);
}
