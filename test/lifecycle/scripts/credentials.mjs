// Clients in worker threads, all logging in at once, some with the wrong password: over and over, with new connections.
// Arguments: the server, the user, the password, how many workers.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Client } from '../../../dist/index.mjs';

const rounds = 20;

async function work({ address, username, password, number }) {
  const tally = {};
  const count = (outcome) => (tally[outcome] = (tally[outcome] ?? 0) + 1);
  const right = [1, 2].map(() => new Client(address, { username, password, timeout: 15_000 }));
  const wrong = new Client(address, { username, password: `${password}!`, timeout: 15_000 });
  for (let round = 0; round < rounds; ++round) {
    const own = right.map((client, index) => [client, `worker-${number}-${index}`]);
    await Promise.all([
      ...own.map(async ([client, key]) => {
        await client.set(key, `${key}:${round}`);
        count((await client.get(key)) === `${key}:${round}` ? 'right' : 'another value');
        await client.disconnectAll();
      }),
      wrong.get('key').then(
        () => count('let in'),
        (error) => count(error.name),
      ),
    ]);
  }
  await Promise.all([...right, wrong].map((client) => client.close()));
  return tally;
}

async function inMainThread() {
  const [address, username, password, workers] = process.argv.slice(2);
  const tallies = Array.from({ length: Number(workers) }, (_, index) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { address, username, password, number: index + 1 },
    });
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  for (const tally of await Promise.all([work({ address, username, password, number: 0 }), ...tallies]))
    console.log(JSON.stringify(tally, Object.keys(tally).sort()));
}

if (isMainThread) await inMainThread();
else parentPort.postMessage(await work(workerData));
