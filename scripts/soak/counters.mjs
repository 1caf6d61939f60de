// The operations on counters and on servers, each with what must come of it: name → [weight, function of a loop].

/**
 * memcached 1.6.18 may call a counter from here on not a number: it looks for a minus sign, and beyond the counter's end. So
 * such counters are only read and deleted.
 */
const highest = 2n ** 63n;

function after(method, value, delta) {
  if (method.startsWith('incr')) return value + delta;
  return value > delta ? value - delta : 0n;
}

async function remove(loop, key) {
  loop.check(`delete ${key}`, await loop.client.delete(key), loop.counters.delete(key));
}

async function count(loop, method) {
  const { client, counters, random } = loop;
  const key = random.pick(loop.counterKeys);
  const delta = random.pick([0n, 1n, 1n, 7n, 1000n, 2n ** 32n, 2n ** 62n]);
  const what = `${method} ${key} by ${delta}`;
  const value = counters.get(key);
  if (value >= highest) return remove(loop, key);
  if (value === undefined) return loop.checkRejects(what, client[method](key, delta), 'NotFound');
  const expected = after(method, value, delta);
  counters.set(key, expected);
  if (expected <= BigInt(Number.MAX_SAFE_INTEGER) && random.chance(0.5))
    loop.check(what, await client[method](key, delta), Number(expected));
  else loop.check(what, await client[method](key, delta, { bigint: true }), expected);
}

async function countMany(loop, method) {
  const { client, counters } = loop;
  const known = loop.counterKeys.filter((key) => (counters.get(key) ?? highest) < 2n ** 50n);
  const delta = 3;
  for (const key of known) counters.set(key, after(method, counters.get(key), BigInt(delta)));
  const names = known.map((key) => key.slice(loop.prefix.length));
  const values = await client[method](names, { delta, keyPrefix: loop.prefix });
  loop.check(method, values, new Map(known.map((key, index) => [names[index], Number(counters.get(key))])));
}

async function create(loop) {
  const { client, counters, random } = loop;
  const key = random.pick(loop.counterKeys);
  const method = random.pick(['incr', 'decr']);
  const value = counters.get(key);
  if (value >= highest) return remove(loop, key);
  const initial = BigInt(random.below(1000));
  const expected = value === undefined ? initial : after(method, value, 2n);
  counters.set(key, expected);
  const options = { initial, time: random.pick([0, 3600]), bigint: true };
  loop.check(`${method} ${key} with an initial value`, await client[method](key, 2, options), expected);
}

export const counterOperations = {
  incr: [5, (loop) => count(loop, 'incr')],
  decr: [4, (loop) => count(loop, 'decr')],
  incrMulti: [1, (loop) => countMany(loop, 'incrMulti')],
  decrMulti: [1, (loop) => countMany(loop, 'decrMulti')],
  create: [1, create],
  setCounter: [
    2,
    async (loop) => {
      const key = loop.random.pick(loop.counterKeys);
      const value = loop.random.below(2 ** 31);
      loop.check(`set ${key}`, await loop.client.set(key, value), true);
      loop.counters.set(key, BigInt(value));
      // A counter that became shorter has blanks behind it: they must not show.
      loop.counters.set(key, after('decr', BigInt(value), 2n ** 30n));
      await loop.client.decr(key, 2 ** 30);
      loop.check(`get ${key}`, await loop.client.get(key), Number(loop.counters.get(key)));
    },
  ],
  deleteCounter: [1, (loop) => remove(loop, loop.random.pick(loop.counterKeys))],
};

export const serverOperations = {
  version: [0.02, async (loop) => loop.check('version', (await loop.client.version()).size, 2)],
  getStats: [
    0.05,
    async (loop) => {
      const stats = await loop.client.getStats(loop.random.pick([undefined, 'slabs', 'settings']));
      loop.check('getStats', stats.length, 2);
    },
  ],
  disconnectAll: [0.01, (loop) => loop.client.disconnectAll()],
  placement: [
    0.5,
    (loop) => {
      const key = loop.key();
      const { server, hash } = loop.client.explain(key);
      loop.check(`explain ${key}`, [server, hash], [loop.client.serverFor(key), loop.client.hash(key)]);
    },
  ],
};
