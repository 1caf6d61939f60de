// Ends of a client whose sockets Node opened (TLS), or whose servers are discovered.
// Arguments: what to do, the servers, the client's options as JSON. A worker does as the main thread does.

import { readdirSync, readlinkSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Client } from '../../../dist/index.mjs';

const [, , ...args] = process.argv;
const [step, servers, options] = isMainThread ? args : workerData;
const make = () => new Client(servers, JSON.parse(options));

/** 2,000 operations in flight. */
function load(mc) {
  return Promise.all(Array.from({ length: 2000 }, (_, index) => mc.set(`life:${index}`, 'x'.repeat(500))));
}

const steps = {
  async idle() {
    const mc = make();
    console.log(await mc.set('life', 1));
  },
  async pending() {
    const mc = make();
    load(mc).then((results) => console.log(results.length));
  },
  async exit() {
    const mc = make();
    await mc.set('life', 1);
    void load(mc);
    setImmediate(() => process.exit(3));
  },
  async exitAtOnce() {
    void load(make());
    process.exit(3);
  },
  async dropped() {
    const before = sockets();
    const collected = new Set();
    const registry = new FinalizationRegistry((index) => collected.add(index));
    for (let index = 0; index < 20; ++index) {
      const mc = make();
      registry.register(mc, index);
      await mc.set('life', 1);
    }
    const isOver = () => collected.size >= 19 && sockets() <= before + 2;
    for (let round = 0; round < 100 && !isOver(); ++round) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(isOver() ? 'collected' : `${collected.size} collected, ${sockets() - before} sockets`);
  },
  async terminated() {
    for (const delay of [0, 1, 5, 20, 50]) {
      const worker = new Worker(new URL(import.meta.url), { workerData: ['loadInWorker', servers, options] });
      await new Promise((resolve) => worker.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      await worker.terminate();
    }
    console.log('terminated');
  },
  async loadInWorker() {
    const mc = make();
    parentPort.postMessage('ready');
    for (;;) await load(mc).catch(() => undefined);
  },
};

function sockets() {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
    } catch {
      return false; // it was the one that read the folder
    }
  }).length;
}

await steps[step]();
