import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WrongData } from './check.mjs';

const MEGABYTE = 1_000_000;

/** What one more client costs once it is connected and has worked, in MB for each client and server. */
export async function memory({ makeAdapter, instances, servers, data }) {
  const work = async (adapter) => {
    for (let at = 0; at < 100; at++) await adapter.set(data.keys[at], data.values[at]);
    await Promise.all(data.keys.slice(0, 100).map((key) => adapter.get(key)));
  };
  const adapters = [];
  // The first ones pay for code and heap that the later ones share.
  for (let at = 0; at < 3; at++) await work(adapters[adapters.push(await makeAdapter()) - 1]);
  const before = settledRss();
  for (let at = 0; at < instances; at++) await work(adapters[adapters.push(await makeAdapter()) - 1]);
  const after = settledRss();
  await Promise.all(adapters.map((adapter) => adapter.close()));
  return { megabytes: (after - before) / MEGABYTE / instances / servers.length };
}

/** Does memory grow with the number of operations? In MB, from the first tenth to the end. */
export async function flat({ operation, operations, inFlight }) {
  let next = 0;
  let first;
  const started = performance.now();
  for (const limit of [operations / 10, operations]) {
    const loop = async () => {
      while (next < limit) {
        const n = next++;
        if (!operation.right(await operation.start(n), n)) throw new WrongData(`a wrong result (operation ${n})`);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, loop));
    first ??= settledRss();
  }
  const seconds = (performance.now() - started) / 1000;
  return { operations, seconds, rate: operations / seconds, megabytes: (settledRss() - first) / MEGABYTE };
}

function settledRss() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  collect();
  collect();
  return process.memoryUsage.rss();
}
