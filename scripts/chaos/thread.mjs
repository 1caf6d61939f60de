// What kept the JavaScript thread from its timers: other programs that had the processor, the garbage collector, or its own
// work. A promise that settles late is a finding only as far as it was not the first.

import { readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';

const SAMPLE_MS = 10;
/** Samples are kept for so long: longer than any deadline. */
const KEPT = 1000;
/** Of the thread that runs JavaScript: time on a processor, time waiting for one (ns), how often. Linux only. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;

function readStatistics() {
  try {
    const [running, waiting] = readFileSync(SCHEDSTAT, 'utf8').split(' ');
    return { running: Number(running) / 1e6, waiting: Number(waiting) / 1e6 };
  } catch {
    return { running: 0, waiting: 0 };
  }
}

export class ThreadWatch {
  /** The longest that timers were kept waiting, and what the thread did meanwhile; all in milliseconds. */
  worst = { gap: 0, waiting: 0, running: 0 };
  /** The longest collection. */
  worstCollection = 0;
  #samples = [];
  #timer;
  #collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.worstCollection = Math.max(this.worstCollection, duration);
  });

  start() {
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  stop() {
    clearInterval(this.#timer);
    this.#collections.disconnect();
  }

  #sample() {
    const sample = { time: performance.now(), ...readStatistics() };
    const last = this.#samples.at(-1) ?? sample;
    const gap = sample.time - last.time - SAMPLE_MS;
    if (gap > this.worst.gap)
      this.worst = { gap, waiting: sample.waiting - last.waiting, running: sample.running - last.running };
    this.#samples.push(sample);
    if (this.#samples.length > 2 * KEPT) this.#samples.splice(0, KEPT);
  }

  /** For how many milliseconds since `time`, at most, the thread was ready to run and others had the processors. */
  waitedSince(time) {
    const before = this.#samples.findLast((sample) => sample.time <= time) ?? this.#samples[0];
    return Math.min(readStatistics().waiting - before.waiting, performance.now() - time);
  }

  get text() {
    const { gap, waiting, running } = this.worst;
    const [late, ready, busy, collection] = [gap, waiting, running, this.worstCollection].map(Math.round);
    return `timers at most ${late} ms late (${ready} ms without a processor, ${busy} ms at work); longest collection ${collection} ms`;
  }
}
