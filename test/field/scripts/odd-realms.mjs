// Operations of all kinds, and errors of several, where what everybody shares was changed.
// Arguments: the server, binary, what: polluted, frozen-first, frozen-later, plain. Prints { results, errors }.

import { createServer } from 'node:net';

const [address, binary, what] = process.argv.slice(2);
const freeze = () => {
  for (const { prototype } of [Object, Function, Array, Error, TypeError, RangeError, Promise, Uint8Array, Map])
    Object.freeze(prototype);
};
if (what === 'polluted') {
  for (const name of ['extra', 'ketama', 'username', 'weight'])
    Object.defineProperty(Object.prototype, name, { value: undefined, enumerable: true, configurable: true });
  Object.defineProperty(Object.prototype, 'helper', { value: () => 1, enumerable: true, configurable: true });
}
if (what === 'frozen-first') freeze();
const { Client } = await import('../../../dist/index.mjs');
if (what === 'frozen-later') freeze();

const mc = new Client(address, { binary: binary === 'true', behaviors: { ketama: true } });
const key = `odd-${process.pid}-${what}`;
const results = [
  await mc.set(key, 1, { time: 100 }),
  await mc.get(key),
  await mc
    .namespace('odd')
    .set(key, 'value')
    .then(() => mc.namespace('odd').get(key)),
  await mc.incr(key, 2),
  await mc.set(key, { a: 1 }).then(() => mc.get(key)),
  await mc.setMulti({ [key]: 2 }),
  await mc.getOrSet(`${key}-2`, () => 'loaded', { time: 10, staleFor: 10 }),
  await mc.delete(key),
];

// A server that says nothing.
const silent = createServer(() => undefined).listen(0, '127.0.0.1');
await new Promise((resolve) => silent.once('listening', resolve));
const other = new Client(`127.0.0.1:${silent.address().port}`, { timeout: 100 });
await mc.set(key, Buffer.from('x'));
const raw = new Client(address, { codec: { serialize: () => ['x', 1], deserialize: () => 1 } });
await raw.set(`${key}-3`, 1);
const name = (promise) =>
  promise.then(
    () => 'none',
    (error) => error.name,
  );
const errors = [await name(mc.incr(`${key}-4`)), await name(other.set(key, 1)), await name(mc.get(''))];
const pending = name(other.get(key));
other.destroy();
errors.push(await pending, await name(mc.get(`${key}-3`)));
await Promise.all([mc.close(), raw.close()]);
silent.close();
console.log(JSON.stringify({ results, errors }));
process.exit();
