// One of several processes that share a namespace. Told the number of the last invalidation that has resolved, it reads:
// a value with a lower number is one that it must not see. It writes all the time, and so do the others.

import { Client } from '../../../dist/index.mjs';

const [address, name] = process.argv.slice(2);
const mc = new Client(address);
const ns = mc.namespace(name);
const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);

/** What is written says which invalidations its writer knew of before it wrote. */
let known = 0;
let reads = 0;
let hits = 0;
let stale = 0;
let running = true;

function see(value, least) {
  ++reads;
  if (value === undefined) return;
  ++hits;
  // Whoever wrote it knew of `value` invalidations. The next but one began when all such writes had settled.
  if (value < least - 1) ++stale;
}

async function round(least) {
  const key = keys[Math.floor(Math.random() * keys.length)];
  const [value, many] = await Promise.all([ns.get(key), ns.getMulti(keys), ns.set(key, least, 60)]);
  see(value, least);
  for (const each of many.values()) see(each, least);
}

const workers = [{}, {}, {}];

async function work(worker) {
  while (running) {
    worker.round = round(known);
    await worker.round;
  }
}

process.on('message', async (message) => {
  if (message.invalidate !== undefined) {
    await ns.invalidate();
    process.send({ invalidated: message.invalidate });
  } else if (message.known !== undefined) {
    known = message.known;
    await Promise.all(workers.map((worker) => worker.round));
    process.send({ told: message.known });
  } else {
    running = false;
    await working;
    await mc.close();
    process.send({ reads, hits, stale }, () => process.disconnect());
  }
});

const working = Promise.all(workers.map(work));
process.send({ ready: true });
