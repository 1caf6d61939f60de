// What a client costs that does nothing: wake-ups of the thread, and threads.
// Arguments: what for (wakeups, threads), the server, binary, whether there is a client, milliseconds to watch.
// Prints { wakeups, threads, names } of this process.

import { lookup } from 'node:dns';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';

const [, address, binary, hasClient, milliseconds] = process.argv.slice(2);
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

// Both: whoever resolves a name starts libuv's threads.
await promisify(lookup)('localhost');
if (hasClient === 'true') {
  const { Client } = await import('../../../dist/index.mjs');
  const mc = new Client(address, { binary: binary === 'true', timeout: 300 });
  const keys = Array.from({ length: 1000 }, (_, index) => `idle-${index}`);
  for (let round = 0; round < 20; ++round) {
    await mc.setMulti(keys.map((key) => [key, key.repeat(10)]));
    await Promise.all([mc.getMulti(keys), ...keys.map((key) => mc.get(key))]);
    await mc.set('idle-large', 'x'.repeat(200_000), { minCompressLen: 1 });
    await mc.get('idle-large');
  }
  globalThis.client = mc;
}
// Until the last timer has run, and V8's own tasks are done.
await sleep(1500);

const tasks = () =>
  readdirSync('/proc/self/task').map((task) => ({
    name: readFileSync(`/proc/self/task/${task}/comm`, 'latin1').trim(),
    switches: Number(
      /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/self/task/${task}/status`, 'latin1'))[1],
    ),
    isMain: Number(task) === process.pid,
  }));
const wakeups = () => tasks().find(({ isMain }) => isMain).switches;

const before = wakeups();
await sleep(Number(milliseconds));
console.log(JSON.stringify({ wakeups: wakeups() - before, threads: tasks().length }));
