// The soak: all operations, in both protocols, for minutes, with a model that says what must be read.
//
//   npm run soak -- --minutes 10 --in-flight 64
//
// Ends with a verdict, and exit code 1 on any finding: an error, a wrong value, growing memory (the rule is in
// soak/watch.mjs), threads (none of which are ours) or descriptors that are left when all clients are closed, dropped
// clients that are never collected. --report 30: seconds between two lines; --seed: to repeat a sequence of operations.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client, buildInfo } from '../dist/index.mjs';
import { counterOperations, serverOperations } from './soak/counters.mjs';
import { Loop } from './soak/loop.mjs';
import { operations as valueOperations } from './soak/operations.mjs';
import { startMemcached } from './soak/server.mjs';
import { randomOf } from './soak/values.mjs';
import { timeout as visitorTimeout, Visitors } from './soak/visitors.mjs';
import { judgeMemory, megabytes, settleIn, usage } from './soak/watch.mjs';

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'in-flight': { type: 'string', default: '64' },
    report: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [minutes, inFlight, reportSeconds, seed] = [given.minutes, given['in-flight'], given.report, given.seed].map(
  Number,
);
if (
  ![minutes, inFlight, reportSeconds].every((number) => number > 0) ||
  !Number.isInteger(inFlight) ||
  Number.isNaN(seed)
) {
  console.error('--minutes, --in-flight and --report (seconds) take numbers above 0, --seed a number');
  process.exit(2);
}

const FINDINGS_SHOWN = 20;
const SAMPLE_MS = 1000;
const COLLECT_MS = 5000;
/** Everything is flushed so often, between two rounds of operations. */
const FLUSH_MS = 20_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

let findings = 0;
function finding(where, error) {
  if (++findings <= FINDINGS_SHOWN) console.log(`FINDING ${where}: ${error.name === 'Error' ? error.stack : error}`);
}

process.on('warning', (warning) => finding('a warning of Node', warning));

/** Picks an operation by weight. */
const table = Object.entries({ ...valueOperations, ...counterOperations, ...serverOperations });
const totalWeight = table.reduce((sum, [, [weight]]) => sum + weight, 0);
const counts = Object.fromEntries(table.map(([name]) => [name, 0]));
function pickOperation(random) {
  let at = (random.below(1_000_000) / 1_000_000) * totalWeight;
  const [name, [, run]] = table.find(([, [weight]]) => (at -= weight) < 0) ?? table[0];
  counts[name]++;
  return run;
}

const started = performance.now();
const isOver = () => performance.now() - started >= minutes * 60_000 || findings > 10 * FINDINGS_SHOWN;

async function runLoop(loop, shouldPause) {
  while (!isOver() && !shouldPause()) {
    try {
      await pickOperation(loop.random)(loop);
    } catch (error) {
      finding(loop.name, error);
      await loop.reset();
    }
  }
}

/** All loops until the next flush, again and again. */
async function runLoops(loops) {
  while (!isOver()) {
    const until = performance.now() + FLUSH_MS;
    await Promise.all(loops.map((loop) => runLoop(loop, () => performance.now() >= until)));
    const { client } = loops[0];
    await client.flushAll().catch((error) => finding('flushAll', error));
    for (const loop of loops) loop.forget(); // and every read from here on checks that it is so
  }
}

const servers = await Promise.all([startMemcached(['-m', '512']), startMemcached(['-m', '512'])]);
const addresses = servers.map(({ address }) => address);
console.log(
  `${buildInfo()}\n${minutes} minutes, ${inFlight} in flight, seed ${seed}, against ${addresses.join(' and ')}`,
);
await settleIn();
const atFirst = usage();

// Half of the clients speak binary, half text.
const kinds = [
  { binary: true, behaviors: { ketama: true } },
  {}, // text
  { binary: true },
  { behaviors: { ketama_weighted: true } },
];
const clients = kinds.map((options) => new Client(addresses, { timeout: 10_000, ...options }));
const loops = Array.from({ length: inFlight }, (_, number) => {
  const which = number % clients.length;
  return new Loop(number, clients[which], kinds[which].binary === true, randomOf(seed + number));
});
const visitors = new Visitors(addresses, finding);

const samples = [];
let lastTotal = 0;
const total = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
const sampler = setInterval(() => samples.push(usage().rss), SAMPLE_MS);
const collector = setInterval(collect, COLLECT_MS);
const reporter = setInterval(() => {
  const { rss, heap, threads, descriptors } = usage();
  const rate = Math.round((total() - lastTotal) / reportSeconds);
  lastTotal = total();
  const minute = ((performance.now() - started) / 60_000).toFixed(1).padStart(5);
  console.log(
    `${minute} min  ${lastTotal.toLocaleString('en')} operations, ${rate.toLocaleString('en')}/s  RSS ${megabytes(rss)}, ` +
      `heap ${megabytes(heap)}, threads ${threads}, descriptors ${descriptors}, ` +
      `short-lived clients ${visitors.count}, findings ${findings}`,
  );
}, reportSeconds * 1000);

await Promise.all([runLoops(loops), visitors.run(isOver)]);
[sampler, collector, reporter].forEach(clearInterval);
await Promise.all(clients.map((client) => client.close()));

/** Sockets close, and clients are collected, a little later than they are told. */
async function settle() {
  const until = performance.now() + visitorTimeout + 5000;
  for (;;) {
    collect();
    await sleep(100);
    const now = usage();
    const isSettled = now.threads <= atFirst.threads && now.descriptors <= atFirst.descriptors && visitors.left === 0;
    if (isSettled || performance.now() > until) return now;
  }
}
const atLast = await settle();
await Promise.all(servers.map(({ stop }) => stop()));

const memory = judgeMemory(samples);
const seconds = (performance.now() - started) / 1000;
console.log(
  `\n${total().toLocaleString('en')} operations in ${seconds.toFixed(0)} s; ${visitors.count} short-lived clients`,
);
console.log(
  `  ${Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
);
const verdicts = [
  [findings === 0, `errors and wrong values: ${findings}`],
  [memory.isFlat, memory.text],
  [atLast.threads <= atFirst.threads, `threads: ${atFirst.threads} at first, ${atLast.threads} after closing`],
  [
    atLast.descriptors <= atFirst.descriptors,
    `descriptors: ${atFirst.descriptors} at first, ${atLast.descriptors} after closing`,
  ],
  [visitors.left === 0, `dropped clients that were not collected: ${visitors.left}`],
];
for (const [isFine, text] of verdicts) console.log(`${isFine ? 'ok     ' : 'FINDING'} ${text}`);
if (verdicts.some(([isFine]) => !isFine)) process.exitCode = 1;
console.log(process.exitCode === 1 ? 'The soak FAILED.' : 'The soak passed.');
