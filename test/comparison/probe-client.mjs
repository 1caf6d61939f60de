// Tries all probes with one client, in a process of its own, because some clients end it. `node probe-client.mjs NAME`, with what
// the probes need as JSON in PLACES; comparison.test.ts does the rest by messages.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clients } from './clients.mjs';
import { probes } from './probes.mjs';

const make = clients[process.argv[2]];
const { authority, expected, ...places } = JSON.parse(process.env.PLACES);
const longest = 15_000;

// An error that a client throws where nobody can catch it.
let thrown = () => {};
process.on('uncaughtException', (error) => thrown(error));

async function run(probe) {
  const opened = [];
  const open = (options) => {
    const client = make(options);
    opened.push(client);
    return client;
  };
  const uncaught = new Promise((_resolve, reject) => {
    thrown = reject;
  });
  uncaught.catch(() => {});
  try {
    const context = { ...places, open, authority: readFileSync(authority) };
    return await Promise.race([probe(context), uncaught, sleep(longest, 'no', { ref: false })]);
  } catch (error) {
    if (process.env.VERBOSE) console.error(error);
    return 'no';
  } finally {
    for (const client of opened) await Promise.race([Promise.resolve(client.close()).catch(() => {}), sleep(500)]);
  }
}

const results = {};
for (const [section, its] of Object.entries(probes)) {
  for (const [name, probe] of Object.entries(its)) {
    if (process.env.VERBOSE) console.error(process.argv[2], name);
    const feature = `${section}: ${name}`;
    // On a busy machine some clients are late.
    for (let attempt = 0; attempt < 3 && results[feature] !== expected[feature]; attempt += 1)
      results[feature] = await run(probe);
  }
}
process.send({ results }, () => process.exit());
