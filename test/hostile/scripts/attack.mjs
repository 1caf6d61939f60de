// Every operation against a hostile server, each with a client of its own. In a process of its own, because libmemcached
// may abort. Arguments: the attack, binary, and the operations (all, if none is named). Prints a JSON line for each.

import { Client, MemcachedError } from '../../../dist/index.mjs';
import { binaryOnly, common, EVIL, textOnly } from './attacks.mjs';
import { startHostileServer } from './wire.mjs';

const TIMEOUT = 300;
const [name, binaryText, ...named] = process.argv.slice(2);
const binary = binaryText === 'true';
const attack = { ...common, ...(binary ? binaryOnly : textOnly) }[name];

const operations = {
  get: (client) => client.get('key-1'),
  gets: (client) => client.gets('key-1'),
  getMulti: (client) => client.getMulti(['key-1', 'key-2', 'key-3']),
  getMultiMany: (client) => client.getMulti(Array.from({ length: 100 }, (_, index) => `key-${index}`)),
  set: (client) => client.set('key-1', 'value'),
  setMulti: (client) =>
    client.setMulti(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key-${index}`, 'v']))),
  add: (client) => client.add('key-1', 'value'),
  cas: (client) => client.cas('key-1', 'value', 7n),
  incr: (client) => client.incr('key-1', 1, { bigint: true }),
  incrMulti: (client) => client.incrMulti(Array.from({ length: 20 }, (_, index) => `key-${index}`)),
  touch: (client) => client.touch('key-1', 100),
  append: (client) => client.append('key-1', 'more'),
  delete: (client) => client.delete('key-1'),
  getStats: (client) => client.getStats(),
  version: (client) => client.version(),
  flushAll: (client) => client.flushAll(),
};

/** Everything in a result that could be text, to look for what must not be in it. */
function textOf(result) {
  if (result instanceof Map) return [...result.entries()].map(textOf).join();
  if (Array.isArray(result)) return result.map(textOf).join();
  if (result instanceof Uint8Array) return Buffer.from(result).toString('latin1');
  if (typeof result === 'object' && result !== null) return Object.entries(result).map(textOf).join();
  return String(result);
}

async function run(operation) {
  const address = await startHostileServer(attack);
  const client = new Client(address, { binary, timeout: TIMEOUT });
  const start = performance.now();
  const report = { operation };
  try {
    const result = await operations[operation](client);
    report.outcome = 'ok';
    report.isEvil = textOf(result).includes(EVIL);
    report.result = textOf(result).slice(0, 100);
  } catch (error) {
    report.outcome = error instanceof MemcachedError ? error.name : `unexpected ${error.stack}`;
    report.result = error.message.slice(0, 200);
    report.isEvil = error.values !== undefined && textOf(error.values).includes(EVIL);
  }
  report.late = Math.round(performance.now() - start - TIMEOUT);
  // It is usable, or not, but it settles: asked once more, on whatever is left of the connection.
  const again = performance.now();
  const second = await client.get('key-9').then(textOf, () => 'failed');
  if (second.includes(EVIL)) report.isEvil = true;
  report.late = Math.max(report.late, Math.round(performance.now() - again - TIMEOUT));
  await client.close();
  console.log(JSON.stringify(report));
}

await Promise.all((named.length === 0 ? Object.keys(operations) : named).map(run));
