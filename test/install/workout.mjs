// Everything that depends on how the addon was compiled: counters, large and compressed values, and many operations at once
// (fibers), in both protocols. Run by scripts/test-install.mjs and scripts/test-arm64.mjs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Client } from 'libmemcached';

const { SERVERS, ROUNDS = '20' } = process.env;
const servers = SERVERS.split(',');

async function counters(mc) {
  await mc.set('count', 0);
  await Promise.all(Array.from({ length: 500 }, () => mc.incr('count')));
  assert.equal(await mc.decr('count', 200), 300);
  assert.equal(await mc.get('count'), 300);
}

async function largeValues(mc) {
  const values = Array.from({ length: 8 }, (_, index) => [`large:${index}`, randomBytes(100_000 * (index + 1))]);
  await Promise.all(values.map(([key, value]) => mc.set(key, value)));
  const found = await mc.getMulti(values.map(([key]) => key));
  for (const [key, value] of values) assert.ok(value.equals(found.get(key)), `${key} is another`);
  const text = 'compressible '.repeat(300_000); // 3.9 MB
  await mc.set('large:text', text, { minCompressLen: 1000 });
  assert.equal(await mc.get('large:text'), text);
}

async function load(mc) {
  const value = (index) => `value ${index} `.repeat(index % 50 === 0 ? 500 : 1);
  for (let round = 0; round < Number(ROUNDS); round++) {
    const indexes = Array.from({ length: 500 }, (_, index) => round * 500 + index);
    await Promise.all(indexes.map((index) => mc.set(`load:${index}`, value(index))));
    const [single, multi] = await Promise.all([
      Promise.all(indexes.map((index) => mc.get(`load:${index}`))),
      mc.getMulti(indexes.map((index) => `load:${index}`)),
    ]);
    assert.deepEqual(single, indexes.map(value));
    assert.equal(multi.size, indexes.length);
    for (const index of indexes) assert.equal(multi.get(`load:${index}`), value(index));
  }
}

for (const binary of [false, true]) {
  const mc = new Client(servers, { binary, timeout: 10_000 });
  await counters(mc);
  await largeValues(mc);
  await load(mc);
  await mc.close();
}
console.log(`ok: counters, large values, ${Number(ROUNDS) * 1500} operations in each protocol`);
