/** What a client counts: made into objects from the numbers that the native side keeps. */

import { native } from '../addon/addon';
import { operationNames } from '../addon/record-layout';

/** The state of a server, as failover sees it; see docs/when-servers-fail.md. */
export type ServerState = 'up' | 'down' | 'probing' | 'dead';

/** By the number of the native side. */
export const serverStates = ['up', 'down', 'probing', 'dead'] as const satisfies readonly ServerState[];

/** What an operation is called in metrics, traces and errors. `has` counts as `get`, members of multis by themselves. */
export type OperationName = (typeof operationNames)[number];

/** What a client has done with one server since it was made. Counters never go down. */
export interface ServerMetrics {
  /** As `host:port` or path. */
  server: string;
  state: ServerState;
  /** Operations that were called, whatever became of them; a multi counts each of its keys. */
  operations: number;
  operationsByName: Record<OperationName, number>;
  /** Reads that found a value: `get`, `gets`, `has`, and each key of `getMulti` and `getsMulti`. */
  hits: number;
  misses: number;
  /** Operations that rejected, or would have without `failSoft`. A miss, or an `add` of a key that is there, is no error. */
  errors: number;
  /** By the error's name: `{ TimeoutError: 2 }`. Those that did not happen are absent. */
  errorsByKind: Record<string, number>;
  /** Batches that were sent. */
  batches: number;
  /** Requests in a batch on average; 0 if there was none. */
  meanBatchSize: number;
  /** Reads that needed no request of their own, because another one of the same key was in the same batch. */
  coalesced: number;
  /** Operations that wait to be sent. */
  queueDepth: number;
  /** Operations that were sent and are not answered yet. */
  inFlight: number;
  /** Connections that were made again, for whatever reason. */
  reconnects: number;
  /** Bytes that came from the server, over all connections so far. */
  bytesReceived: number;
  /** Bytes that were sent to the server. */
  bytesSent: number;
  /** From when an operation was handed over, at the end of its tick at the latest, until it was answered, or failed. */
  latency: Latency;
}

export interface ClientMetrics {
  /** Operations that have not settled. */
  pending: number;
  /** Operations that were refused with Busy. */
  refused: number;
  /** In the order in which they were given. */
  servers: ServerMetrics[];
}

export interface LatencyBucket {
  /** Inclusive, in seconds; Infinity for the last one. */
  upperBound: number;
  count: number;
}

const nanosecondsPerSecond = 1e9;
/** In seconds. */
const bounds: readonly number[] = [...native.latencyBounds.map((bound) => bound / nanosecondsPerSecond), Infinity];

/** A latency histogram: 16 buckets a decade from 1 µs to 100 s. All times are seconds. */
export class Latency {
  /** Operations that were measured: those that were sent, or for which a connection was tried. */
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** Not cumulative; without the empty ones. */
  readonly buckets: readonly LatencyBucket[];

  /** @internal */
  constructor(sum: number, max: number, counts: ArrayLike<number>) {
    const buckets: LatencyBucket[] = [];
    for (let index = 0; index < counts.length; ++index) {
      const count = counts[index] as number;
      if (count > 0) buckets.push({ upperBound: bounds[index] as number, count });
    }
    this.buckets = buckets;
    this.count = total(buckets.map((bucket) => bucket.count));
    this.sum = sum;
    this.max = max;
    this.p50 = this.percentile(50);
    this.p90 = this.percentile(90);
    this.p99 = this.percentile(99);
    this.p999 = this.percentile(99.9);
  }

  /** Returns the latency that `percent` (0 … 100) of the operations did not exceed, to the width of a bucket; 0 if there was none. */
  percentile(percent: number): number {
    if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percent must be 0 … 100: ${String(percent)}`);
    const wanted = (percent / 100) * this.count;
    let below = 0;
    for (const { upperBound, count } of this.buckets) {
      if (below + count >= wanted) {
        const lower = bounds[bounds.indexOf(upperBound) - 1] ?? 0;
        const upper = Math.min(upperBound, this.max);
        return lower + Math.max(0, upper - lower) * ((wanted - below) / count);
      }
      below += count;
    }
    return this.max;
  }

  /** Returns how many operations took at most `seconds`; exact at the bounds of buckets, which 1, 2, 2.5, 5 and their tenfolds are. */
  countAtMost(seconds: number): number {
    return this.buckets.reduce((total, bucket) => (bucket.upperBound <= seconds ? total + bucket.count : total), 0);
  }
}

/** Counts the errors that callers get, by server and name. JavaScript's part: a TimeoutError is made here. */
export class ErrorCounts {
  readonly #byServer: Map<string, number>[] = [];

  count(server: number, error: unknown): void {
    const counts = (this.#byServer[server] ??= new Map<string, number>());
    const name = error instanceof Error ? error.name : 'Error';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  forget(server: number): void {
    this.#byServer[server] = new Map();
  }

  of(server: number): Record<string, number> {
    return Object.fromEntries(this.#byServer[server] ?? []);
  }
}

/** The numbers before the operations, in the order of native/binding/metrics.h. */
const headNames = [
  ...(['state', 'queueDepth', 'inFlight', 'hits', 'misses', 'batches', 'batched', 'coalesced', 'reconnects'] as const),
  ...(['bytesReceived', 'bytesSent', 'latencySum', 'latencyMax'] as const),
] as const;
type Head = Record<(typeof headNames)[number], number>;

/** `numbers`: see native/binding/metrics.h. */
export function serverMetrics(
  server: string,
  numbers: Float64Array,
  errorsByKind: Record<string, number>,
): ServerMetrics {
  const head = Object.fromEntries(headNames.map((name, index) => [name, numbers[index]])) as Head;
  const { hits, misses, batches, coalesced, queueDepth, inFlight, reconnects, bytesReceived, bytesSent } = head;
  const buckets = headNames.length + operationNames.length;
  const counts = numbers.subarray(headNames.length, buckets);
  const byName = operationNames.map((name, op) => [name, counts[op]]);
  return {
    server,
    state: serverStates[head.state] ?? 'up',
    operations: total(counts),
    operationsByName: Object.fromEntries(byName) as Record<OperationName, number>,
    hits,
    misses,
    errors: total(Object.values(errorsByKind)),
    errorsByKind,
    batches,
    meanBatchSize: batches === 0 ? 0 : head.batched / batches,
    coalesced,
    queueDepth,
    inFlight,
    reconnects,
    bytesReceived,
    bytesSent,
    latency: new Latency(
      head.latencySum / nanosecondsPerSecond,
      head.latencyMax / nanosecondsPerSecond,
      numbers.subarray(buckets),
    ),
  };
}

function total(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
