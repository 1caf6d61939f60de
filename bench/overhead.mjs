/**
 * What observing costs: CPU time per operation of this build, and of builds or ways of use that differ in one thing,
 * taking turns. CPU time of all threads of the client's process, which hardly depends on what else the machine does.
 *
 *     node bench/overhead.mjs [--against FOLDER]… [--rounds N] [--operations N] [--variant NAME]…
 *
 * --against: another checkout, built, whose client is measured in turn with this one. Ratios are to the first line. Of a
 * busy machine, trust the least of many rounds.
 */

import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServers } from './runner/servers.mjs';

const here = fileURLToPath(import.meta.url);
const root = path.join(path.dirname(here), '..');
const IN_FLIGHT = 100;
const KEYS = 1000;

const { values: options } = parseArgs({
  options: {
    against: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '15' },
    operations: { type: 'string', default: '300000' },
    variant: { type: 'string', multiple: true },
  },
});

/** What the process that is measured does besides reading. */
const variants = {
  plain: { does: 'nobody looks', setUp: () => {} },
  metrics: {
    does: 'mc.metrics() every 100 ms',
    setUp: ({ mc }) => setInterval(() => mc.metrics(), 100).unref(),
  },
  subscriber: {
    does: 'a subscriber on libmemcached:command that does nothing',
    setUp: async () => {
      const { tracingChannel } = await import('node:diagnostics_channel');
      tracingChannel('libmemcached:command').subscribe({
        start() {},
        end() {},
        asyncStart() {},
        asyncEnd() {},
        error() {},
      });
    },
  },
  'otel-metrics': {
    does: 'libmemcached/otel, metrics only, nothing exported',
    setUp: async () => {
      const { LibmemcachedInstrumentation } = await import(path.join(root, 'dist/integrations/otel.mjs'));
      const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
      new LibmemcachedInstrumentation({ meterProvider: new MeterProvider() });
    },
  },
  otel: {
    does: 'libmemcached/otel, spans and metrics, nothing exported',
    setUp: async () => {
      const { LibmemcachedInstrumentation } = await import(path.join(root, 'dist/integrations/otel.mjs'));
      const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
      const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
      new LibmemcachedInstrumentation({
        meterProvider: new MeterProvider(),
        tracerProvider: new BasicTracerProvider(),
      });
    },
  },
};

if (process.send === undefined) await compare();
else process.once('message', (task) => void measure(task));

async function measure({ folder, variant, address, operations }) {
  const { Client } = createRequire(here)(path.join(folder, 'dist/index.js'));
  const mc = new Client(address);
  await variants[variant].setUp({ mc });
  const keys = Array.from({ length: KEYS }, (_, index) => `key:${index}`);
  for (const key of keys) await mc.set(key, 'x'.repeat(100));
  const run = async (count) => {
    let left = count;
    const loop = async (at) => {
      while (left-- > 0) {
        const value = await mc.get(keys[(at = (at + 1) % KEYS)]);
        if (value.length !== 100) throw new Error('a wrong value');
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => loop(index * 7)));
  };
  await run(operations / 4); // until the hot functions are compiled
  const before = process.cpuUsage();
  await run(operations);
  const { user, system } = process.cpuUsage(before);
  process.send((user + system) / operations);
  await mc.close();
  process.disconnect();
}

async function compare() {
  const wanted = options.variant ?? Object.keys(variants);
  const tasks = wanted.map((variant) => ({ name: variant, variant, folder: root }));
  for (const folder of options.against.toReversed())
    tasks.unshift({ name: path.basename(folder), variant: 'plain', folder: path.resolve(folder) });
  const { addresses, stop } = await startServers(1);
  const results = new Map(tasks.map((task) => [task.name, []]));
  try {
    for (let round = 0; round < Number(options.rounds); ++round) {
      // In turn, each round beginning with another one.
      for (let turn = 0; turn < tasks.length; ++turn) {
        const task = tasks[(round + turn) % tasks.length];
        const child = fork(here);
        child.send({ ...task, address: addresses[0], operations: Number(options.operations) });
        const [cpu] = await once(child, 'message');
        results.get(task.name).push(cpu);
        await once(child, 'exit');
      }
    }
  } finally {
    await stop();
  }
  const first = results.get(tasks[0].name);
  console.log(`CPU per get, ${IN_FLIGHT} in flight, 100 bytes; median of ${options.rounds} rounds, and the least\n`);
  for (const { name, variant, folder } of tasks) {
    const all = results.get(name);
    // Made within one round: what disturbs the machine disturbs both.
    const ratio = median(all.map((cpu, round) => cpu / first[round]));
    const least = `least ${Math.min(...all).toFixed(3)}, ×${(Math.min(...all) / Math.min(...first)).toFixed(3)}`;
    const what = folder === root ? variants[variant].does : `the client of ${folder}`;
    console.log(`${name.padEnd(14)} ${median(all).toFixed(3)} µs ×${ratio.toFixed(3)} (${least})  ${what}`);
  }
}

function median(numbers) {
  return quantile(numbers, 0.5);
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}
