/**
 * Latencies in buckets that are 1 % wide: exact enough for a percentile, a fixed 16 KB however long the run, and no
 * call out of JavaScript (perf_hooks' histogram costs one for each value).
 */
const SMALLEST = 0.1; // µs
const PER_E = 1 / Math.log(1.01);
const BUCKETS = 2048; // up to about 70 s

export class Histogram {
  counts = new Uint32Array(BUCKETS);
  total = 0;

  record(microseconds) {
    const bucket = (Math.log(microseconds / SMALLEST) * PER_E) | 0;
    this.counts[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    this.total++;
  }

  /** The middle of the bucket that holds the given part of all values, in µs; null when there are none. */
  percentile(part) {
    if (this.total === 0) return null;
    let left = Math.ceil(this.total * part);
    let bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= this.counts[bucket];
      if (left <= 0) break;
    }
    return SMALLEST * Math.exp((bucket + 0.5) / PER_E);
  }
}
