// A client of a server whose name has the addresses of a file that stands for /etc/hosts.
// Arguments: the server, binary, the client's options as JSON. Prints what came of each operation, and how long the first took.

import { readFileSync } from 'node:fs';
import { Client } from '../../../dist/index.mjs';

const [server, binary, options] = process.argv.slice(2);
if (!readFileSync('/etc/hosts', 'latin1').includes('twofold')) throw new Error('not the hosts that were meant');
const mc = new Client(server, { binary: binary === 'true', ...JSON.parse(options) });
const start = performance.now();
const outcomes = [];
const ask = async (promise) => {
  outcomes.push(await promise.then(String, (error) => `${error.name}: ${error.message}`));
};
await ask(mc.set('names', 41));
const milliseconds = performance.now() - start;
await ask(mc.incr('names'));
await ask(mc.get('names'));
await ask(mc.version().then((versions) => versions.size));
await ask(mc.disconnectAll());
await ask(mc.delete('names'));
console.log(JSON.stringify({ outcomes, milliseconds, state: mc.metrics().servers[0].state }));
