// Values in memory that another thread grows meanwhile, and values for which there is no memory left.
// Arguments: the server, binary. Prints { torn, outOfMemory, then } as JSON.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Client } from '../../../dist/index.mjs';

const [, address, binary] = process.argv.slice(1);
const mc = new Client(address, { binary: binary === 'true' });

const most = 900_000;
const memory = new SharedArrayBuffer(1, { maxByteLength: most });
const grower = new Worker(
  `const { workerData: memory } = require('node:worker_threads');
   for (let size = 1; size < ${most}; size += 7) {
     memory.grow(size);
     new Uint8Array(memory).fill(97, size - 7);
   }`,
  { eval: true, workerData: memory },
);
const ended = new Promise((resolve) => grower.once('exit', resolve));
let torn = 0;
let isGrowing = true;
void ended.then(() => (isGrowing = false));
do {
  await mc.set('growing', new Uint8Array(memory));
  const read = await mc.get('growing');
  if (!read.every((byte) => byte === 97 || byte === 0)) ++torn;
} while (isGrowing);

// Address space for little more than there is, which is what malloc asks for.
const large = Buffer.alloc(600 * 2 ** 20);
const status = readFileSync('/proc/self/status', 'utf8');
const bytes = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
const limit = (value) => execFileSync('prlimit', ['--pid', String(process.pid), `--as=${value}`]);
limit(`${bytes + 200 * 2 ** 20}:unlimited`);
let outOfMemory = 'nothing';
try {
  await mc.set('large', large);
} catch (error) {
  outOfMemory = error.name;
}
limit('unlimited:unlimited');
const then = await mc.set('small', 1);
await mc.close();
console.log(JSON.stringify({ torn, outOfMemory, then }));
