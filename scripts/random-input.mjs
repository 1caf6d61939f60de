// Random input to the whole public interface: arguments of all types, getters that throw, foreign realms, buffers that are
// changed, faked globals.
//
//   npm run random-input -- --seconds 600
//
// Ends with a verdict, and exit code 1 on any finding: an exception or rejection that nobody could handle, a promise that
// does not settle, a slot that is lost, a client that cannot be closed, a loop that stands still. A crash speaks for itself;
// --seed repeats the arguments, and --trace prints each call before it is made.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import timers from 'node:timers/promises';
import { inspect, parseArgs } from 'node:util';
import { Client, ClientPool } from '../dist/index.mjs';
import { KeyvMemcached } from '../dist/integrations/keyv.mjs';
import { MemcachedStore } from '../dist/integrations/express-session.mjs';
import { adapterCall, clientCall, clientOptions, construction, keyCall } from './random-input/calls.mjs';
import { fake } from './random-input/fakes.mjs';
import { spoil, Values } from './random-input/values.mjs';
import { startMemcached } from './soak/server.mjs';

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    trace: { type: 'boolean', default: false },
  },
});
const [seconds, seed] = [given.seconds, given.seed].map(Number);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error('--seconds takes a number above 0, --seed a whole number');
  process.exit(2);
}

// Before anything is faked.
const { setTimeout: sleep } = timers;
const now = performance.now.bind(performance);
const nextTurn = () => timers.setImmediate();

const CALLS_PER_ROUND = 40;
/** Whatever a call asks for, this is later than its deadline. */
const MAX_SETTLE_MS = 15_000;
const MAX_STALL_MS = 2000;

let findings = 0;
function finding(text) {
  findings++;
  if (findings <= 20) console.log(`FINDING (seed ${seed}, call ${calls}): ${text}`);
}
process.on('unhandledRejection', (reason) => finding(`unhandled rejection: ${inspect(reason)}`));
process.on('uncaughtException', (error) => {
  finding(`uncaught exception: ${inspect(error)}`);
});

const values = new Values(seed);
let calls = 0;
const outcomes = new Map();
const pending = new Map();
const count = (outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

function watch(name, run) {
  const id = ++calls;
  if (given.trace) console.log(id, name);
  let result;
  try {
    result = run();
  } catch (error) {
    count(`thrown ${nameOf(error)}`);
    return;
  }
  if (!(result instanceof Promise)) {
    count('returned');
    return;
  }
  pending.set(id, name);
  result.then(
    () => (pending.delete(id), count('resolved')),
    (error) => (pending.delete(id), count(`rejected ${nameOf(error)}`)),
  );
}

function nameOf(error) {
  try {
    return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : typeof error;
  } catch {
    return 'odd';
  }
}

async function settle() {
  const deadline = now() + MAX_SETTLE_MS;
  while (pending.size > 0 && now() < deadline) await sleep(5);
  for (const [id, name] of pending) finding(`never settles: ${name} (call ${id})`);
  pending.clear();
}

const server = await startMemcached(['-m', '64', '-I', '4m']);
function makeWorld(binary) {
  const options = clientOptions(values, binary);
  const client = new Client(server.address, options);
  const base = new Client(server.address, { binary, timeout: 1000 });
  return {
    client,
    maxPending: options.maxPending,
    namespaces: ['n', 'm'].map((name) => client.namespace(name)),
    base,
    keyv: new KeyvMemcached(base, { namespace: 'k' }),
    store: new MemcachedStore(base),
    pool: new ClientPool(base, 2),
  };
}
let worlds = [false, true].map(makeWorld);

function callOnce() {
  const world = values.pick(worlds);
  const kind = values.below(100);
  if (kind < 70) {
    const target = values.chance(60) ? world.client : values.pick(world.namespaces);
    const [method, ...args] = keyCall(values);
    watch(method, () => target[method](...args));
    if (values.chance(60)) for (const argument of args) spoil(argument, values);
  } else if (kind < 82) {
    const [method, ...args] = clientCall(values);
    watch(method, () => world.client[method](...args));
  } else if (kind < 90) {
    const [name, run] = construction(values, server.address);
    watch(name, run);
  } else {
    const [name, run] = adapterCall(values, world);
    watch(name, run);
  }
}

/** Nothing is in flight any longer: as many operations as there may be are accepted, and answered. */
async function checkSlots({ client, maxPending }) {
  client.setBehaviors({ namespace: '', verify_keys: false });
  const deadline = now() + MAX_SETTLE_MS;
  // A load of `getOrSet` goes on when those who waited for it have given up, and so does one for a stale value.
  while (client.metrics().pending !== 0 && now() < deadline) await sleep(5);
  if (client.metrics().pending !== 0) finding(`pending is ${client.metrics().pending} when all has settled`);
  // Those that were given up are completed by their deadlines.
  for (;;) {
    const reads = await Promise.allSettled(Array.from({ length: maxPending }, () => client.has('key-slots')));
    const failed = reads.find(({ status }) => status === 'rejected');
    if (failed === undefined) return;
    if (now() > deadline) {
      finding(`slots are lost: ${inspect(failed.reason)}`);
      return;
    }
    await sleep(50);
  }
}

async function closeAll({ client, base, pool }) {
  const closed = new AbortController();
  await Promise.race([
    Promise.all([client.close(), pool.close(), base.close()]).finally(() => closed.abort()),
    sleep(MAX_SETTLE_MS, undefined, { signal: closed.signal }).then(
      () => finding('a client cannot be closed'),
      () => undefined,
    ),
  ]);
}

const stalls = monitorEventLoopDelay({ resolution: 10 });
stalls.enable();
const end = now() + seconds * 1000;
let worst = 0;
async function runRound(round) {
  const restore = values.chance(30) ? fake(values) : undefined;
  try {
    for (let call = 0; call < CALLS_PER_ROUND; call++) callOnce();
  } finally {
    restore?.();
  }
  if (values.chance(30)) await nextTurn();
  else await settle();
  if (round % 50 !== 0) return;
  await settle();
  for (const world of worlds) await checkSlots(world);
  const [old] = worlds;
  worlds = [worlds[1], makeWorld(values.chance(50))];
  if (values.chance(30)) old.client.destroy();
  await closeAll(old);
  const stall = stalls.max / 1e6;
  stalls.reset();
  worst = Math.max(worst, stall);
  if (stall > MAX_STALL_MS) finding(`the event loop stood still for ${stall.toFixed(0)} ms`);
}

try {
  for (let round = 1; now() < end; round++) await runRound(round);
} catch (error) {
  finding(`the run itself: ${inspect(error)}`);
}
await settle();
for (const world of worlds) await closeAll(world);
await server.stop();

const summary = [...outcomes].sort(([, one], [, other]) => other - one);
for (const [outcome, times] of summary) console.log(`${String(times).padStart(9)}  ${outcome}`);
console.log(`longest stall ${worst.toFixed(0)} ms, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`);
console.log(`${calls} calls (seed ${seed}): ${findings === 0 ? 'no findings' : `${findings} FINDINGS`}`);
process.exitCode = findings === 0 ? 0 : 1;
