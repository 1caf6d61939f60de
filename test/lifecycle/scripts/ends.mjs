// One program for each prefix of a client's life: how far it comes is the first argument. Every one of them must end by
// itself; at its exit it says how long node went on after its last line.

import { Client } from '../../../dist/index.mjs';

const [step, address, binary] = process.argv.slice(2);
const options = { binary: binary === 'true', timeout: 10_000 };
const many = 5000;
let lastLine;

const make = (more) => new Client(address, { ...options, ...more });
const outcome = (promise) =>
  promise.then(
    (value) => `got ${value}`,
    (error) => `${error.name}`,
  );
const tell = (text) => console.log(text);

/** Each kind of outcome, with its number: `3 got 1, 2 ClientClosed`. */
async function tally(promises) {
  const counts = new Map();
  for (const kind of await Promise.all(promises.map(outcome))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

const manyCalls = (client) =>
  Array.from({ length: many }, (_, index) =>
    index % 2 === 0 ? client.set(`ends:${index}`, 1) : client.get(`ends:${index - 1}`).then((value) => value === 1),
  );

const steps = {
  imported() {},
  constructed() {
    make();
  },
  async behaviorsRead() {
    tell(make().behaviors.ketama);
  },
  async used() {
    const client = make();
    await client.set('ends', 1);
    tell(await client.get('ends'));
  },
  async usedMuch() {
    tell(await tally(manyCalls(make())));
  },
  pending() {
    // Nothing but this keeps the process alive.
    void tally(manyCalls(make())).then(tell);
  },
  pendingMulti() {
    const keys = Array.from({ length: many }, (_, index) => `ends:missing:${index}`);
    void make()
      .getMulti(keys)
      .then((values) => tell(`${values.size} values`));
  },
  pendingOfTwo() {
    void outcome(make().set('ends', 1)).then(tell);
    void outcome(make().set('ends', 1)).then(tell);
  },
  pendingWithSignal() {
    const never = new AbortController();
    void outcome(make().set('ends', 1, { signal: never.signal })).then(tell);
  },
  timesOut() {
    void outcome(make({ timeout: 300 }).get('ends')).then(tell);
  },
  aborted() {
    const controller = new AbortController();
    void outcome(make().get('ends', undefined, { signal: controller.signal })).then(tell);
    setTimeout(() => controller.abort(), 100);
  },
  async closed() {
    const client = make();
    await client.set('ends', 1);
    await client.close();
    tell(await outcome(client.get('ends')));
  },
  async closedUnused() {
    await make().close();
  },
  closing() {
    const client = make();
    const calls = manyCalls(client);
    void client.close().then(() => tell('closed'));
    void client.close();
    void tally(calls).then(tell);
    void outcome(client.get('ends')).then(tell);
  },
  async destroyed() {
    const client = make();
    await client.set('ends', 1);
    client.destroy();
    client.destroy();
    tell(await outcome(client.get('ends')));
  },
  destroyedUnused() {
    make().destroy();
  },
  async destroyedInFlight() {
    const client = make();
    const calls = manyCalls(client);
    client.destroy();
    tell(await tally(calls));
    await client.close();
  },
  async destroyedUnderWay() {
    const client = make();
    const calls = manyCalls(client);
    // A turn of the loop later they are on their way.
    await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    tell(
      (await tally(calls)).replace(/\d+ got true/, 'some got true').replace(/\d+ ClientClosed/, 'some ClientClosed'),
    );
  },
  async closedThenDestroyed() {
    const client = make();
    const calls = manyCalls(client);
    const counted = tally(calls); // those of a later slice are rejected before close() resolves
    const closing = client.close();
    client.destroy();
    await closing;
    tell(await counted);
  },
  async disposed() {
    const client = make();
    await client.set('ends', 1);
    await client[Symbol.asyncDispose]();
  },
  async destroyedInCallback() {
    // Destroyed by the first answer, while the rest of the same delivery is still to be settled.
    const client = make();
    const calls = manyCalls(client);
    void calls[0].then(() => client.destroy());
    const kinds = await tally(calls);
    tell(/^\d+ got true(, \d+ ClientClosed)?$/.test(kinds) ? 'settled' : kinds);
  },
};

process.on('exit', () => tell(`ended after ${Math.round(performance.now() - lastLine)} ms`));
await steps[step]();
lastLine = performance.now();
