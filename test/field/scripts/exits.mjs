// Ends while clients have operations in flight.
// Arguments: how (exit, terminate), the server, binary, how many clients. Prints the milliseconds that it took, as far as it can:
// of a worker all, of the process the moment at which it called exit, for its parent to go on from.

import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Client } from '../../../dist/index.mjs';

const [how, address, binary, count] = isMainThread ? process.argv.slice(2) : workerData;

function begin() {
  const options = { binary: binary === 'true', timeout: 60_000 };
  const clients = Array.from({ length: Number(count) }, () => new Client(address, options));
  for (const client of clients) {
    for (let index = 0; index < 100; ++index) {
      const call = index % 3 === 0 ? client.set(`exit-${index}`, 'x'.repeat(1000)) : client.get(`exit-${index}`);
      call.catch(() => undefined);
    }
    client.set('exit-large', 'x'.repeat(100_000), { minCompressLen: 1 }).catch(() => undefined);
  }
}

const inFlight = 100; // milliseconds until all is under way
if (!isMainThread) {
  begin();
  setTimeout(() => parentPort.postMessage('begun'), inFlight);
} else if (how === 'exit') {
  begin();
  setTimeout(() => {
    console.log(Date.now());
    process.exit(7);
  }, inFlight);
} else {
  const worker = new Worker(new URL(import.meta.url), { argv: [], workerData: [how, address, binary, count] });
  await new Promise((resolve) => worker.once('message', resolve));
  const start = performance.now();
  await worker.terminate();
  console.log(performance.now() - start);
}
