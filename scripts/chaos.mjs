// The chaos soak: three servers being stopped, continued, killed and started again at random under full load, with a model of
// what may be read.
//
//   npm run chaos -- --minutes 10
//   npm run chaos -- --tls            all of it over TLS
//
// Ends with a report, and exit code 1 on any finding: a value that may not be read, a promise that did not settle by its
// deadline and the margin (not counting the time when other programs had the processors), an error that is none of ours,
// growing memory. A crash is a crash.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, buildInfo } from '../dist/index.mjs';
import { Faults } from './chaos/faults.mjs';
import { Loop } from './chaos/loop.mjs';
import { endKeeper, Server } from './chaos/server.mjs';
import { ThreadWatch } from './chaos/thread.mjs';
import { World } from './chaos/world.mjs';
import { randomOf } from './soak/values.mjs';
import { judgeMemory, megabytes, usage } from './soak/watch.mjs';

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    loops: { type: 'string', default: '20' },
    margin: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    tls: { type: 'boolean', default: false },
  },
});
const [minutes, loopsEach, margin, seed] = [given.minutes, given.loops, given.margin, given.seed].map(Number);
if (![minutes, loopsEach, margin].every((number) => number > 0) || Number.isNaN(seed)) {
  console.error('--minutes, --loops (for each client) and --margin (ms) take numbers above 0, --seed a number');
  process.exit(2);
}

const ketama = { ketama: true, remove_failed: 2, retry_timeout: 1, dead_timeout: 2 };
/** Each in text and in binary. */
const settings = [
  { name: 'modula', timeout: 400, behaviors: { retry_timeout: 1 } },
  { name: 'ketama', timeout: 600, behaviors: ketama },
  { name: 'retried at once', timeout: 1000, behaviors: { retry_timeout: 0 } },
];
const kinds = settings.flatMap(({ name, timeout, behaviors }) =>
  [false, true].map((binary) => ({
    name: `${binary ? 'binary' : 'text'}, ${name}`,
    timeout,
    options: { binary, behaviors },
  })),
);

const thread = new ThreadWatch();
const world = new World(margin, thread);
const random = randomOf(seed);
const certificate = (name) => fileURLToPath(new URL(`../test/support/certificates/${name}`, import.meta.url));
const serverOptions = given.tls
  ? ['-Z', '-o', `ssl_chain_cert=${certificate('server.pem')},ssl_key=${certificate('server.key')}`]
  : [];
const tls = given.tls && { ca: readFileSync(certificate('authority.pem')) };
const servers = await Promise.all([1, 2, 3].map(() => Server.start(serverOptions)));
const addresses = servers.map(({ address }) => address);
console.log(
  `${buildInfo()}\n${minutes} minutes, seed ${seed}, against ${addresses.join(', ')}${tls ? ', with TLS' : ''}`,
);

process.on('unhandledRejection', (error) => world.finding(`an unhandled rejection: ${error?.stack}`));
process.on('warning', (warning) => world.finding(`a warning of Node: ${warning.stack}`));

const started = performance.now();
thread.start();
const isOver = () => performance.now() - started >= minutes * 60_000;
const clients = kinds.map(({ timeout, options }) => new Client(addresses, { timeout, tls, ...options }));
const loops = kinds.flatMap((kind, which) =>
  Array.from(
    { length: loopsEach },
    (_, index) =>
      new Loop(`chaos-${which}-${index}`, clients[which], kind, randomOf(seed + which * 1000 + index), world),
  ),
);
const faults = new Faults(servers, random, (index) => world.lost(addresses[index]));

const samples = [];
const sampler = setInterval(() => {
  samples.push(usage().rss);
  world.inspect();
}, 1000);
const reporter = setInterval(() => {
  const minute = ((performance.now() - started) / 60_000).toFixed(1).padStart(5);
  const { threads, descriptors, rss } = usage();
  console.log(
    `${minute} min  ${world.operations.toLocaleString('en')} operations, ${JSON.stringify(faults.counts)}, RSS ${megabytes(rss)}, ` +
      `threads ${threads}, descriptors ${descriptors}, findings ${world.findings}`,
  );
}, 30_000);

async function runLoop(loop) {
  while (!isOver()) {
    await loop.step().catch((error) => world.finding(`the soak itself: ${error.stack}`));
    // Refused at once, many times in a row, would keep timers from running.
    if (loop.random.chance(0.05)) await sleep(loop.random.below(5));
  }
}

await Promise.all([...loops.map(runLoop), faults.run(isOver)]);
[sampler, reporter].forEach(clearInterval);
thread.stop();
await Promise.race([Promise.all(clients.map((client) => client.close())), sleep(5000)]);
if (world.unsettled > 0) world.finding(`${world.unsettled} promises have not settled`);
for (const server of servers) await server.kill();
endKeeper();

// In less, what is loaded and compiled at first weighs too much.
const memory = minutes < 2 ? { isFlat: true, text: 'memory: not judged in so short a run' } : judgeMemory(samples);
if (!memory.isFlat) world.finding(memory.text);
const { late, operation, took, starved } = world.worst;
console.log(`
operations      ${world.operations.toLocaleString('en')}
faults          ${Object.entries(faults.counts)
  .map(([name, count]) => `${count} ${name}`)
  .join(', ')}
worst settle    ${operation} after ${Math.round(took)} ms, ${Math.round(late)} ms after its deadline (${Math.round(starved)} ms of it without a processor)
starved         ${world.starved} settled late, but only because other programs had the processors
event loop      ${thread.text}
${memory.text}
outcomes`);
for (const [name, count] of [...world.outcomes].sort(([one], [other]) => one.localeCompare(other)))
  console.log(`  ${count.toLocaleString('en').padStart(12)}  ${name}`);
console.log(world.findings === 0 ? '\nno findings' : `\n${world.findings} FINDINGS`);
process.exitCode = world.findings === 0 ? 0 : 1;
