/** Latencies of a measurement: exact percentiles, and a histogram to look at. */

import { createHistogram } from 'node:perf_hooks';

import { milliseconds, percentage, wholeNumber } from './format';

export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Bucket {
  /** Milliseconds; what is in it is below. */
  readonly below: number;
  readonly count: number;
}

/** Two buckets for every doubling, from a microsecond on. */
const bucketsPerDoubling = 2;
const barWidth = 40;
const nanosecondsPerMillisecond = 1e6;

export class Latencies {
  /** Node's HdrHistogram, in nanoseconds. */
  readonly #histogram = createHistogram();
  readonly #buckets: number[] = [];

  get count(): number {
    return this.#histogram.count;
  }

  record(latency: number): void {
    this.#histogram.record(Math.max(1, Math.round(latency * nanosecondsPerMillisecond)));
    const bucket = Math.max(0, Math.floor(Math.log2(latency * 1000) * bucketsPerDoubling) + 1);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  /** Milliseconds. */
  summary(): LatencySummary {
    const of = (percent: number): number => this.#histogram.percentile(percent) / nanosecondsPerMillisecond;
    if (this.count === 0) return { mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    return {
      mean: this.#histogram.mean / nanosecondsPerMillisecond,
      p50: of(50),
      p90: of(90),
      p99: of(99),
      p999: of(99.9),
      max: this.#histogram.max / nanosecondsPerMillisecond,
    };
  }

  /** From the first that has any to the last. */
  buckets(): Bucket[] {
    const first = this.#buckets.findIndex((count) => count > 0);
    if (first < 0) return [];
    // Array.from: findIndex and map treat the holes of a sparse array differently.
    return Array.from(this.#buckets, (count: number | undefined, index) => ({
      below: 2 ** (index / bucketsPerDoubling) / 1000,
      count: count ?? 0,
    })).slice(first);
  }
}

/** A line for each bucket, with a bar. */
export function histogramLines(buckets: readonly Bucket[], emphasize: (bar: string) => string): string[] {
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const all = buckets.reduce((sum, { count }) => sum + count, 0);
  const rows = buckets.map(({ below, count }) => ({
    label: `< ${milliseconds(below)}`,
    bar: '#'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * barWidth))),
    share: percentage(count / all),
    count: wholeNumber(count),
  }));
  const width = (pick: (row: (typeof rows)[number]) => string): number =>
    Math.max(0, ...rows.map((row) => pick(row).length));
  const labels = width(({ label }) => label);
  const shares = width(({ share }) => share);
  const counts = width(({ count }) => count);
  return rows.map(
    ({ label, bar, share, count }) =>
      `${label.padStart(labels)}  ${emphasize(bar.padEnd(barWidth))}  ${share.padStart(shares)}  ${count.padStart(counts)}`,
  );
}
