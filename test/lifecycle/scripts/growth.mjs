// Clients that come and go by the hundred. What they used must be free afterwards. Needs --expose-gc.
// Arguments: how each goes, the server, binary, how many in a round. Prints what is in use before and after, as JSON.

import { Client } from '../../../dist/index.mjs';
import { backTo, settleIn, sleep, usage } from './usage.mjs';

const [way, address, binary, count] = process.argv.slice(2);
const options = { binary: binary === 'true', timeout: 1000 };
const atOnce = 25;
const left = new Set();
const registry = new FinalizationRegistry((number) => left.delete(number));
let made = 0;

function make(more) {
  const client = new Client(address, { ...options, ...more });
  left.add(++made);
  registry.register(client, made);
  return client;
}

async function use(client) {
  const key = `growth:${made}`;
  await client.set(key, 'x'.repeat(1000));
  const [value, several] = await Promise.all([client.get(key), client.getMulti([key, 'missing'])]);
  if (value?.length !== 1000 || several.size !== 1) throw new Error(`read ${String(value)}`);
}

const silence = (promise) => promise.catch(() => undefined);

const ways = {
  async closed() {
    const client = make();
    await use(client);
    await client.close();
  },
  async destroyed() {
    const client = make();
    const calls = Array.from({ length: 50 }, () => silence(client.get('growth')));
    if (made % 2 === 0) await calls[0];
    client.destroy();
    await Promise.all(calls);
  },
  async cloned() {
    const client = make();
    const copy = client.clone();
    await Promise.all([use(client), use(copy)]);
    await Promise.all([client.close(), copy.close()]);
  },
  // Never closed: the garbage collector has to do.
  async dropped() {
    await use(make());
  },
  async droppedUnused() {
    make();
  },
  async droppedPending() {
    // The promises are dropped as well; the operations still run, and end.
    void silence(use(make()));
  },
  async droppedTimingOut() {
    await silence(make({ timeout: 30 }).get('growth'));
  },
  async reconnecting() {
    const client = make();
    for (let times = 0; times < 3; ++times) {
      await use(client);
      await client.disconnectAll();
    }
    await client.close();
  },
};

async function round() {
  for (let index = 0; index < Number(count); index += atOnce)
    await Promise.all(Array.from({ length: atOnce }, () => ways[way]()));
  // One more turn, and what `dropped` leaves is out of every frame.
  await sleep(1);
}

await settleIn();
const before = usage();
const probe = make();
await silence(use(probe));
const working = usage();
await probe.close();
await round();
const first = await backTo(before);
await round();
const second = await backTo(before);
const deadline = Date.now() + 8000;
while (left.size > 2 && Date.now() < deadline) {
  globalThis.gc();
  await sleep(20);
}
const third = await round().then(() => backTo(before));
console.log(JSON.stringify({ before, working, first, second, third, made, uncollected: left.size }));
