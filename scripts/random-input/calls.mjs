// Calls of everything that the package exports, with arguments that are drawn.

import { Client, ClientPool, codecs, distributions, hashers } from '../../dist/index.mjs';
import { KeyvMemcached } from '../../dist/integrations/keyv.mjs';
import { LibmemcachedInstrumentation } from '../../dist/integrations/otel.mjs';
import { MemcachedStore } from '../../dist/integrations/express-session.mjs';

const codecNames = Object.keys(codecs);

/** Options of a call, good for the most part. Short times only: none of them may hold up the run. */
function callOptions(values, names = []) {
  if (values.chance(50)) return undefined;
  if (values.chance(8)) return values.anything();
  const good = {
    timeout: () => values.pick([1, 5, 50, 500]),
    signal: () => values.signal(),
    time: () => values.pick([0, 1, 100, new Date(Date.now() + 5000), 2 ** 31]),
    minCompressLen: () => values.pick([0, 1, 100]),
    compressLevel: () => values.pick([-1, 0, 1, 9]),
    keyPrefix: () => values.pick(['', 'p:', values.bytes('q:')]),
    delta: () => values.pick([0, 1, 5n]),
    bigint: () => values.chance(50),
    initial: () => values.pick([0, 5, 2n ** 64n - 1n]),
    staleFor: () => values.pick([0, 1, 10]),
    leaseFor: () => values.pick([1, 2]),
    block: () => values.chance(50),
  };
  return values.object(['timeout', 'signal', ...names, ...(values.chance(3) ? ['timout'] : [])], 1, good);
}

const storeNames = ['time', 'minCompressLen', 'compressLevel'];

/** Every wait for a load ends soon: without a timeout it would be 22 seconds. */
function loadOptions(values) {
  const given = callOptions(values, [...storeNames, 'staleFor', 'leaseFor']) ?? {};
  try {
    if (!Object.hasOwn(given, 'timeout')) Object.defineProperty(given, 'timeout', { value: 300, enumerable: true });
  } catch {
    // It is none, or an odd one: it will be refused.
  }
  return given;
}

function loader(values) {
  return values.pick([
    () => () => values.anything(1),
    () => async () => values.anything(1),
    () => (key) => Buffer.isBuffer(key) && key.fill(0),
    () => () => {
      throw new Error('of a loader');
    },
    () => values.anything(1),
  ])();
}

/** Of a client or a namespace: [method, arguments]. */
export function keyCall(values) {
  const key = values.key();
  const value = values.chance(70) ? values.anything() : values.bytes();
  const call = callOptions(values);
  const multi = callOptions(values, ['keyPrefix']);
  const store = values.chance(30)
    ? values.pick([0, 1, 100, values.number(), values.anything(0)])
    : callOptions(values, storeNames);
  return values.pick([
    ['get', key, values.anything(0), call],
    ['gets', key, call],
    ['has', key, call],
    ['getMulti', values.keys(), multi],
    ['getsMulti', values.keys(), multi],
    ['set', key, value, store],
    ['set', key, value, store],
    ['add', key, value, store],
    ['replace', key, value, store],
    ['cas', key, value, values.pick([1n, 5n, 0n, values.anything(0)]), store],
    ['append', key, values.chance(50) ? values.bytes() : values.anything(0), call],
    ['prepend', key, values.text(), call],
    ['setMulti', values.entries(), callOptions(values, ['keyPrefix', ...storeNames])],
    ['addMulti', values.entries(), callOptions(values, ['keyPrefix', ...storeNames])],
    ['delete', key, call],
    ['deleteMulti', values.keys(), multi],
    ['touch', key, values.number(), call],
    ['incr', key, values.chance(50) ? 1 : values.anything(0), callOptions(values, ['bigint', 'initial', 'time'])],
    ['decr', key, values.number(), callOptions(values, ['bigint', 'initial', 'time'])],
    ['incrMulti', values.keys(), callOptions(values, ['keyPrefix', 'delta'])],
    ['decrMulti', values.keys(), multi],
    ['getOrSet', key, loader(values), loadOptions(values)],
  ]);
}

/** Of a client alone. None that makes a healthy server look dead for long. */
export function clientCall(values) {
  return values.pick([
    ['flushAll', values.chance(90) ? { time: 1000 } : callOptions(values, ['time'])],
    [
      'getStats',
      values.pick([undefined, 'items', 'reset', 'conns', 'detail dump', values.text(), values.anything(0)]),
      callOptions(values),
    ],
    ['version', callOptions(values)],
    ['disconnectAll', callOptions(values)],
    ['hash', values.key()],
    ['serverFor', values.key()],
    ['explain', values.key()],
    ['serialize', values.anything()],
    [
      'deserialize',
      values.chance(70) ? values.bytes('x'.repeat(values.below(300))) : values.anything(0),
      values.pick([0, 1, 4, 16, 272, values.number()]),
    ],
    ['setBehaviors', values.chance(50) ? behaviors(values) : values.anything()],
    ['getBehaviors'],
    ['metrics'],
    ['namespace', values.chance(50) ? values.pick(['n', 'm']) : values.anything(0)],
  ]);
}

function behaviors(values) {
  return values.object(['cas', 'tcp_nodelay', 'verify_keys', 'hash', 'namespace', 'num_replicas', 'no_such'], 0, {
    cas: () => values.chance(50),
    tcp_nodelay: () => values.chance(50),
    verify_keys: () => false,
    hash: () => values.pick(Object.keys(hashers)),
    namespace: () => values.pick(['', 'ns:']),
    num_replicas: () => 0,
  });
}

export function clientOptions(values, binary) {
  return {
    binary,
    timeout: 1000,
    maxPending: 5000,
    codec: values.pick([undefined, ...codecNames]),
    failSoft: values.chance(20),
  };
}

/** Makes things and throws them away: [what, run]. */
export function construction(values, address) {
  const servers = values.pick([address, [address], values.anything(), ['127.0.0.1:1', values.text()], 'a,b']);
  const names = [
    'binary',
    'username',
    'password',
    'behaviors',
    'codec',
    'maxInflated',
    'timeout',
    'maxPending',
    'failSoft',
    'x',
  ];
  const good = {
    binary: () => values.chance(50),
    behaviors: () => ({ distribution: values.pick(Object.keys(distributions)) }),
    codec: () => values.pick(codecNames),
    timeout: () => 500,
    maxPending: () => 100,
  };
  const options = values.chance(20) ? values.anything() : values.object(names, 1, good);
  return values.pick([
    ['new Client', () => new Client(servers, options).destroy()],
    ['clone', () => new Client(address, { timeout: 500 }).clone().destroy()],
    ['new ClientPool', () => new ClientPool(values.anything(0), values.number())],
    ['new KeyvMemcached', () => void new KeyvMemcached(servers, options).client.destroy()],
    ['new MemcachedStore', () => void new MemcachedStore(servers, options).client.destroy()],
    ['new LibmemcachedInstrumentation', () => new LibmemcachedInstrumentation(values.anything()).disable()],
    [
      'codec',
      () => {
        const codec = codecs[values.pick(codecNames)];
        const flags = values.below(2 ** 13);
        // What node:v8 reads is for trusted writers only: it may end the process.
        if (codec !== codecs.structured)
          codec.deserialize(Buffer.from(values.several(() => values.below(256), 60)), flags, 1e6);
        codec.serialize(values.anything());
      },
    ],
  ]);
}

/** Of the adapters: [what, run]. */
export function adapterCall(values, { keyv, store, pool }) {
  const key = values.chance(80) ? values.text() + values.goodKey() : values.anything(0);
  const session = {
    cookie: values.object(['expires', 'maxAge'], 0, { expires: () => new Date(Date.now() + 5000) }),
    user: values.anything(1),
  };
  const callback = (method, ...args) =>
    new Promise((resolve, reject) => {
      store[method](...args, (error) => (error ? reject(error) : resolve()));
    });
  return values.pick([
    ['keyv.set', () => keyv.set(key, values.anything(1), values.number())],
    ['keyv.get', () => keyv.get(key)],
    ['keyv.getMany', () => keyv.getMany(values.several(() => values.text(), 4))],
    ['keyv.has', () => keyv.has(key)],
    ['keyv.delete', () => keyv.delete(key)],
    ['keyv.clear', () => keyv.clear()],
    ['store.set', () => callback('set', key, session)],
    ['store.get', () => callback('get', key)],
    ['store.touch', () => callback('touch', key, session)],
    ['store.destroy', () => callback('destroy', key)],
    [
      'pool.reserve',
      () =>
        pool.reserve(
          values.pick([
            (client) => client.get('key-1'),
            (client) => client.destroy(),
            () => values.anything(0),
            values.anything(0),
          ]),
          values.chance(50) ? { block: true, timeout: 200 } : callOptions(values, ['block']),
        ),
    ],
  ]);
}
