// Workers that use clients, and end in the middle of it: over and over.
// Arguments: how they end, the server, binary, how often, how many at once, and 'alone' if the main thread has no client.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Client } from '../../../dist/index.mjs';

const perTick = 1000;

function load(client, prefix) {
  for (let index = 0; index < perTick; ++index) {
    const key = `${prefix}:${index}`;
    for (const call of [client.set(key, key), client.get(key)]) call.catch(() => undefined);
  }
}

const endings = {
  // Told to by the main thread, which has heard that the load is under way.
  terminate: () => undefined,
  exit: () => process.exit(0),
  exitInAnswer: (client) => client.get('workers').then(() => process.exit(0)),
  exception: () => {
    throw new Error('on purpose');
  },
  runsOut: (client) => client.close(),
  neverUsed: () => undefined,
};

async function inWorker({ ending, address, binary, number }) {
  const client = new Client(address, { binary });
  if (ending !== 'neverUsed') load(client, `worker-${number}`);
  await new Promise((resolve) => setTimeout(resolve, number % 4));
  if (ending !== 'neverUsed') load(client, `worker-${number}`);
  parentPort.postMessage('loaded');
  if (ending === 'terminate') setInterval(() => load(client, `worker-${number}`), 1);
  endings[ending](client);
}

async function oneWorker(data) {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  let failure;
  worker.on('error', (error) => (failure = error));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  await Promise.race([new Promise((resolve) => worker.once('message', resolve)), ended]);
  if (data.ending === 'terminate') await worker.terminate();
  await ended;
  if (data.ending === 'exception' ? failure?.message !== 'on purpose' : failure !== undefined)
    throw new Error(`the worker failed: ${failure?.stack}`);
}

async function inMainThread() {
  const [ending, address, binaryText, rounds, atOnce, alone] = process.argv.slice(2);
  const binary = binaryText === 'true';
  // A client of the main thread works on beside them, and must not notice.
  const client = new Client(address, { binary, timeout: 15_000 });
  let rounded = 0;
  for (let round = 0; round < Number(rounds); ++round) {
    const workers = Array.from({ length: Number(atOnce) }, (_, index) =>
      oneWorker({ ending, address, binary, number: round * Number(atOnce) + index }),
    );
    const calls = Array.from({ length: alone === undefined ? perTick : 0 }, async (_, index) => {
      await client.set(`main:${index}`, `${round}:${index}`);
      return (await client.get(`main:${index}`)) === `${round}:${index}`;
    });
    await Promise.all(workers);
    const right = (await Promise.all(calls)).filter(Boolean).length;
    if (right === calls.length) ++rounded;
  }
  await client.close();
  console.log(`${rounded} rounds`);
}

if (isMainThread) await inMainThread();
else await inWorker(workerData);
