// One of several processes that want the same value. Told a key and a number of callers, it says how often it loaded, and
// which values the callers got.

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../dist/index.mjs';

const mc = new Client(process.argv[2]);

process.on('message', async ({ key, callers, options, milliseconds }) => {
  if (key === undefined) {
    await mc.close();
    process.disconnect();
    return;
  }
  let loads = 0;
  const load = async () => {
    ++loads;
    process.send({ loading: key });
    await sleep(milliseconds);
    return `${process.pid}`;
  };
  const calls = Array.from({ length: callers }, async (_, index) => {
    await sleep(index % 20); // not all in one tick
    return mc.getOrSet(key, load, options);
  });
  const values = new Set(await Promise.all(calls));
  process.send({ loads, values: [...values] });
});
process.send({ ready: true });
