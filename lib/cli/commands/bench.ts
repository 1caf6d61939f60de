import { Option, type Command } from 'commander';

import { ExitCode } from '../exit-codes';
import { milliseconds, wholeNumber } from '../format';
import { interruption } from '../interruption';
import { histogramLines } from '../latencies';
import { LiveArea } from '../live-area';
import { LoadGenerator, workloads, type LoadOptions } from '../load';
import type { Output } from '../output';
import { run, type Session } from '../session';
import { count, positiveNumber } from '../settings';

interface BenchOptions extends LoadOptions {
  seconds: number;
}

const redrawEvery = 100;
const barWidth = 30;

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure the servers from here, with keys of its own, which are deleted afterwards')
    .addOption(
      new Option('-w, --workload <name>', 'mixed is 90 % gets and 10 % sets').choices(workloads).default('mixed'),
    )
    .option('-d, --seconds <number>', 'how long', positiveNumber, 5)
    .option('-c, --concurrency <number>', 'operations in flight', count, 100)
    .option('-k, --keys <number>', 'different keys', count, 1000)
    .option('-z, --size <bytes>', 'bytes of each value', count, 100)
    .action((options: BenchOptions, command: Command) => run(command, (session) => bench(session, options)));
}

async function bench(session: Session, options: BenchOptions): Promise<ExitCode> {
  const load = new LoadGenerator(session.connect(), options);
  const ending = interruption();
  const interrupted = ending.signal;
  try {
    await load.prepare();
    const start = performance.now();
    const whole = AbortSignal.timeout(options.seconds * 1000);
    const stop = AbortSignal.any([whole, interrupted]);
    const progress = showProgress(session.output, load, options.seconds, start);
    await load.run(stop);
    progress.end();
    const seconds = (performance.now() - start) / 1000;
    await load.cleanUp().catch(() => undefined); // its keys expire
    report(session.output, load, options, seconds);
  } finally {
    ending.release();
  }
  if (interrupted.aborted) return ExitCode.Interrupted;
  return load.failures.size > 0 ? ExitCode.Failure : ExitCode.Ok;
}

function showProgress(output: Output, load: LoadGenerator, seconds: number, start: number): { end(): void } {
  if (!output.isTerminal) return { end: () => undefined };
  const area = new LiveArea(process.stdout);
  let last = { at: start, done: 0 };
  let rate = 0;
  const draw = (): void => {
    const at = performance.now();
    if (at > last.at) rate = ((load.done - last.done) / (at - last.at)) * 1000;
    last = { at, done: load.done };
    const part = Math.min(1, (at - start) / 1000 / seconds);
    const bar = '#'.repeat(Math.round(part * barWidth)).padEnd(barWidth, '-');
    const elapsed = `${((at - start) / 1000).toFixed(1)} of ${String(seconds)} s`;
    area.draw([
      `[${output.paint('cyan', bar)}]  ${elapsed}  ${wholeNumber(rate)} operations/s`.slice(0, output.width + 10),
    ]);
  };
  draw();
  const timer = setInterval(draw, redrawEvery);
  return {
    end: () => {
      clearInterval(timer);
      area.clear();
    },
  };
}

function report(output: Output, load: LoadGenerator, options: BenchOptions, seconds: number): void {
  const { latencies, failures } = load;
  const rate = latencies.count / seconds;
  const summary = latencies.summary();
  if (output.json) {
    const { workload, concurrency, keys, size } = options;
    output.record({
      ...{ workload, concurrency, keys, size, seconds },
      ...{ operations: latencies.count, operationsPerSecond: rate, failures: Object.fromEntries(failures) },
      latencyMilliseconds: summary,
      histogram: latencies.buckets(),
    });
    return;
  }
  output.table(
    [
      { title: 'OPERATIONS', show: wholeNumber },
      { title: 'OPERATIONS/S', show: wholeNumber },
      ...['MEAN', 'P50', 'P90', 'P99', 'P99.9', 'MAX'].map((title) => ({ title, show: milliseconds })),
    ],
    [[latencies.count, rate, summary.mean, summary.p50, summary.p90, summary.p99, summary.p999, summary.max]],
  );
  for (const [name, times] of failures) output.note(`${name}: ${wholeNumber(times)} operations failed`);
  if (!output.isTerminal) return;
  output.line('');
  for (const line of histogramLines(latencies.buckets(), (bar) => output.paint('cyan', bar))) output.line(line);
}
