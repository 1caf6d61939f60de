// A client of a server whose name moves to another address, in a file that stands for /etc/hosts. Argument: the server.
// Prints what it read before, while the connection is open, and after.

import { readFileSync, writeFileSync } from 'node:fs';
import { Client } from '../../../dist/index.mjs';

const [server] = process.argv.slice(2);
if (!readFileSync('/etc/hosts', 'latin1').includes('twofold')) throw new Error('not the hosts that were meant');
const mc = new Client(server);
const seen = [String(await mc.get('where'))];
writeFileSync('/etc/hosts', '127.0.0.3 twofold\n');
seen.push(String(await mc.get('where')));
await mc.disconnectAll();
seen.push(String(await mc.get('where')));
console.log(JSON.stringify(seen));
