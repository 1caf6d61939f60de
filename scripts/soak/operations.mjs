// The operations on values, each with what must come of it: name → [weight, function of a loop].

import { randomBytes, randomString, randomValue } from './values.mjs';

const largest = 500_000;

function storeOptions({ random, signal }) {
  if (random.chance(0.4)) return random.pick([undefined, 0, 3600, new Date(Date.now() + 3_600_000), 60 * 24 * 3600]);
  return {
    time: random.pick([0, 7200]),
    ...(random.chance(0.3) ? { minCompressLen: 100, compressLevel: random.pick([-1, 1]) } : {}),
    ...(random.chance(0.3) ? { signal, timeout: 9000 } : {}),
  };
}

/** What the model keeps of a value that was stored with these options. */
function entryOf(value, options) {
  const isText = typeof value === 'string' || Buffer.isBuffer(value);
  return { value, text: isText && !options?.minCompressLen };
}

async function store(loop, method, mustStore) {
  const { client, model, random } = loop;
  const key = loop.key();
  const before = loop.stored(key);
  if (before.entry?.mayBeGone !== undefined && method !== 'set') return; // either answer is right
  const value = randomValue(random);
  const options = storeOptions(loop);
  const stored = await client[method](key, value, options);
  loop.check(`${method} ${key}`, stored, mustStore(before.entry !== undefined));
  if (stored) model.set(key, entryOf(value, options));
}

async function storeMany(loop, method) {
  const { client, model, random } = loop;
  const keys = loop.someKeys().filter((key) => loop.stored(key).entry?.mayBeGone === undefined);
  const taken = keys.filter((key) => loop.stored(key).entry !== undefined);
  const entries = new Map(keys.map((key) => [key, randomValue(random)]));
  const options = { time: random.pick([0, 3600]) };
  const failed = await client[method](entries, options);
  loop.check(method, failed, method === 'setMulti' ? [] : taken);
  for (const key of keys) if (!failed.includes(key)) model.set(key, entryOf(entries.get(key), options));
}

async function readMany(loop, method, valueOf) {
  const { client, random } = loop;
  const keys = loop.someKeys();
  const before = keys.map((key) => loop.stored(key));
  const found = await client[method](keys, random.chance(0.3) ? { signal: loop.signal } : undefined);
  keys.forEach((key, index) =>
    loop.checkRead(`${method} ${key}`, before[index], found.has(key), found.has(key) ? valueOf(found.get(key)) : null),
  );
}

async function join(loop, method, joined) {
  const { client, model, random } = loop;
  const key = loop.key();
  const { entry } = loop.stored(key);
  if (entry !== undefined && (!entry.text || entry.mayBeGone !== undefined || entry.value.length > largest)) return;
  const isBytes = entry === undefined || Buffer.isBuffer(entry.value);
  const data = isBytes ? randomBytes(random) : randomString(random);
  const done = await client[method](key, data, random.chance(0.3) ? { signal: loop.signal } : undefined);
  loop.check(`${method} ${key}`, done, entry !== undefined);
  if (done) model.set(key, { ...entry, value: joined(entry.value, data) });
}

const concat = (first, second) => (Buffer.isBuffer(first) ? Buffer.concat([first, second]) : first + second);

async function cas(loop) {
  const { client, model, random } = loop;
  const key = loop.key();
  const before = loop.stored(key);
  if (before.entry?.mayBeGone !== undefined) return;
  const [value, token] = await client.gets(key);
  loop.checkRead(`gets ${key}`, before, token !== undefined, value);
  if (token === undefined) {
    await loop.checkRejects(`cas ${key}, which is not there`, client.cas(key, 1, 12345n), 'NotFound');
    return;
  }
  const options = storeOptions(loop);
  const first = randomValue(random);
  loop.check(`cas ${key}`, await client.cas(key, first, token, options), true);
  model.set(key, entryOf(first, options));
  loop.check(`cas ${key} with an old token`, await client.cas(key, 'never', token), false);
}

/** Not awaited in between: operations on one key take effect in the order in which they were called. */
async function unawaited(loop) {
  const { client, model } = loop;
  const key = loop.key();
  const results = await Promise.all([
    client.set(key, 'b'),
    client.append(key, 'c'),
    client.get(key),
    client.prepend(key, 'a'),
    client.get(key),
    client.add(key, 'no'),
    client.delete(key),
    client.get(key),
    client.replace(key, 'no'),
    client.touch(key, 10),
    client.add(key, 'yes'),
    client.get(key),
  ]);
  const expected = [true, true, 'bc', true, 'abc', false, true, undefined, false, false, true, 'yes'];
  loop.check(`unawaited operations on ${key}`, results, expected);
  model.set(key, { value: 'yes', text: true });
}

/** memcached's clock ticks once a second: an expiry of one second may come at once, and within two. */
function expires(entry) {
  const now = Date.now();
  return { ...entry, mayBeGone: now, isGone: now + 2500 };
}

export const operations = {
  get: [
    10,
    async (loop) => {
      const key = loop.key();
      const before = loop.stored(key);
      const value = await loop.client.get(key, loop, loop.random.chance(0.3) ? { signal: loop.signal } : undefined);
      loop.checkRead(`get ${key}`, before, value !== loop, value);
    },
  ],
  gets: [
    4,
    async (loop) => {
      const key = loop.key();
      const before = loop.stored(key);
      const [value, token] = await loop.client.gets(key);
      loop.checkRead(`gets ${key}`, before, token !== undefined, value);
    },
  ],
  has: [
    3,
    async (loop) => {
      const key = loop.key();
      const before = loop.stored(key);
      const isThere = await loop.client.has(key);
      loop.checkRead(`has ${key}`, before, isThere, before.entry?.value);
    },
  ],
  getMulti: [6, (loop) => readMany(loop, 'getMulti', (value) => value)],
  getsMulti: [2, (loop) => readMany(loop, 'getsMulti', ([value]) => value)],
  set: [8, (loop) => store(loop, 'set', () => true)],
  add: [4, (loop) => store(loop, 'add', (isThere) => !isThere)],
  replace: [4, (loop) => store(loop, 'replace', (isThere) => isThere)],
  setMulti: [2, (loop) => storeMany(loop, 'setMulti')],
  addMulti: [2, (loop) => storeMany(loop, 'addMulti')],
  append: [4, (loop) => join(loop, 'append', concat)],
  prepend: [3, (loop) => join(loop, 'prepend', (value, data) => concat(data, value))],
  cas: [5, cas],
  delete: [
    5,
    async (loop) => {
      const key = loop.key();
      const { entry } = loop.stored(key);
      const deleted = await loop.client.delete(key);
      if (entry?.mayBeGone === undefined) loop.check(`delete ${key}`, deleted, entry !== undefined);
      loop.model.delete(key);
    },
  ],
  deleteMulti: [
    1,
    async (loop) => {
      const keys = loop.someKeys();
      const entries = keys.map((key) => loop.stored(key).entry);
      const all = await loop.client.deleteMulti(keys);
      if (entries.every((entry) => entry?.mayBeGone === undefined))
        loop.check(
          'deleteMulti',
          all,
          entries.every((entry) => entry !== undefined),
        );
      for (const key of keys) loop.model.delete(key);
    },
  ],
  touch: [
    3,
    async (loop) => {
      const key = loop.key();
      const { entry } = loop.stored(key);
      const time = loop.random.pick([0, 1, 3600, new Date(Date.now() + 7_200_000)]);
      const touched = await loop.client.touch(key, time);
      if (entry?.mayBeGone === undefined) loop.check(`touch ${key}`, touched, entry !== undefined);
      if (!touched) loop.model.delete(key);
      else if (time === 1) loop.model.set(key, expires(entry));
      else loop.model.set(key, { value: entry.value, text: entry.text });
    },
  ],
  expire: [
    1,
    async (loop) => {
      const key = loop.key();
      const value = randomString(loop.random);
      loop.check(`set ${key}`, await loop.client.set(key, value, 1), true);
      loop.model.set(key, expires({ value, text: true }));
    },
  ],
  unawaited: [2, unawaited],
};
