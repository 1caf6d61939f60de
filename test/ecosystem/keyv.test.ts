// The adapter under Keyv 5, Keyv 6 and cache-manager 7.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

import { createCache } from 'cache-manager';
import { Keyv as Keyv5 } from 'keyv';
import { Keyv as Keyv6 } from 'keyv6';
import { Client } from '../../lib/index';
import { KeyvMemcached } from '../../lib/integrations/keyv';
import { uniqueKey } from '../support/unique-keys';
import { ConfigurationEndpoint } from '../support/configuration-endpoint';
import { startRefusingPort } from '../support/fake-servers';
import { certificatePath, startMemcached } from '../support/memcached-servers';
import { failure, secondsLeft, sleep, statistic, stored, thrown, useServers } from '../support/clients';

const servers = useServers(1);
const server = () => servers()[0] as NonNullable<ReturnType<typeof servers>[0]>;
let client: Client;
beforeAll(() => {
  client = new Client(server().address);
});
afterAll(() => client.close());

/** Both have the methods that are used here. */
const versions = { 'Keyv 5': Keyv5, 'Keyv 6': Keyv6 as unknown as typeof Keyv5 };
const make = (version: keyof typeof versions, namespace?: string, ttl?: number): Keyv5 => {
  const keyv = new versions[version]({
    store: new KeyvMemcached(client),
    ...(namespace === undefined ? {} : { namespace }),
    ...(ttl === undefined ? {} : { ttl }),
    throwOnErrors: true,
  });
  keyv.on('error', (error: Error) => {
    throw error;
  });
  return keyv;
};

describe.each(Object.keys(versions) as (keyof typeof versions)[])('%s', (version) => {
  it('keeps values of all kinds', async () => {
    const keyv = make(version, uniqueKey('ns'));
    const values = ['text', 5, 0, false, null, { a: [1, { b: 'c' }] }, Buffer.from('bytes'), '"', ''];
    for (const value of values) {
      expect(await keyv.set('key', value)).toBe(true);
      expect(await keyv.get('key')).toEqual(value);
    }
    expect(await keyv.get('nothing')).toBeUndefined();
    expect([await keyv.has('key'), await keyv.has('nothing')]).toEqual([true, false]);
    expect([await keyv.delete('key'), await keyv.delete('key')]).toEqual([true, false]);
  });

  it('ttl: milliseconds, rounded up to seconds for memcached, exact for Keyv', async () => {
    const name = uniqueKey('ns');
    const keyv = make(version, name);
    const generation = async (): Promise<string> =>
      String((await stored(server(), `@@generation:keyv:${name}`))?.bytes);
    await keyv.set('long', 1, 99_001);
    const key = version === 'Keyv 5' ? `${name}:long` : 'long';
    const left = await secondsLeft(server(), `keyv:${name}:${await generation()}:${key}`);
    expect([100, 101]).toContain(left);
    await keyv.set('short', 1, 300);
    expect([await keyv.get('short'), await keyv.has('short')]).toEqual([1, true]);
    await sleep(320);
    expect([await keyv.has('short'), await keyv.get('short')]).toEqual([false, undefined]);
    await make(version, name, 60_000).set('default', 1);
    const defaultKey = version === 'Keyv 5' ? `${name}:default` : 'default';
    expect(await secondsLeft(server(), `keyv:${name}:${await generation()}:${defaultKey}`)).toBeGreaterThan(50);
    await keyv.set('for ever', 1);
    expect(await keyv.get('for ever')).toBe(1);
  });

  it('many at once are one batch', async () => {
    const keyv = make(version, uniqueKey('ns'));
    const before = await statistic(server(), 'cmd_set');
    const entries = Array.from({ length: 100 }, (_, index) => ({
      key: `key-${String(index)}`,
      value: index,
      ...(index % 2 ? { ttl: 50_000 } : {}),
    }));
    expect(await keyv.setMany(entries)).toEqual(Array(100).fill(true));
    expect(await statistic(server(), 'cmd_set')).toBeGreaterThanOrEqual(before + 100);
    const keys = [...entries.map((entry) => entry.key), 'nothing', 'key-0'];
    expect(await keyv.getMany(keys)).toEqual([...entries.map((entry) => entry.value), undefined, 0]);
    expect(await keyv.hasMany(['key-1', 'nothing'])).toEqual([true, false]);
    expect(await keyv.delete(['key-1', 'key-2'])).toBeTruthy();
    expect(await keyv.getMany(['key-1', 'key-2', 'key-3'])).toEqual([undefined, undefined, 3]);
  });

  it('clear empties its namespace, in all processes, and nothing else', async () => {
    const [mine, other] = [uniqueKey('mine'), uniqueKey('other')];
    const [keyv, elsewhere, neighbour] = [make(version, mine), make(version, mine), make(version, other)];
    await Promise.all([keyv.set('key', 1), neighbour.set('key', 2), client.set(mine, 3)]);
    expect(await elsewhere.get('key')).toBe(1);
    await keyv.clear();
    expect([await keyv.get('key'), await elsewhere.get('key')]).toEqual([undefined, undefined]);
    expect([await neighbour.get('key'), await client.get(mine)]).toEqual([2, 3]);
    expect(await elsewhere.set('key', 4)).toBe(true);
    expect(await keyv.get('key')).toBe(4);
  });

  it('keys that memcached does not take', async () => {
    const keyv = make(version, uniqueKey('ns'));
    const keys = [`https://example.org/?q=${'x'.repeat(500)}`, `https://example.org/?q=${'x'.repeat(501)}`];
    keys.push('with blanks', 'with\r\nlines', '#mark', 'ä'.repeat(150), 'plain');
    await Promise.all(keys.map((key, index) => keyv.set(key, index)));
    expect(await keyv.getMany(keys)).toEqual(keys.map((_, index) => index));
    for (const [index, key] of keys.entries()) expect(await keyv.get(key)).toBe(index);
  });

  it('says what fails', async () => {
    const adapter = new KeyvMemcached((await startRefusingPort()).address, { timeout: 1000 });
    const outage = /ConnectionError|ServerDown/;
    for (const promise of [adapter.get('key'), adapter.getMany(['key']), adapter.set('key', 1), adapter.clear()])
      expect((await failure(promise)).name).toMatch(outage);
    expect(await adapter.setMany([{ key: 'key', value: 1 }]).catch(() => [false])).toEqual([false]);
    const keyv = new versions[version]({ store: adapter });
    const errors: string[] = [];
    keyv.on('error', (error: Error) => errors.push(error.name));
    expect(await keyv.set('key', 1)).toBe(false);
    expect(await keyv.get('key')).toBeUndefined();
    expect(errors[0]).toMatch(outage);
    await keyv.disconnect();
    expect((await failure(adapter.client.get('key'))).name).toBe('ClientClosed');
  });
});

it('without a namespace, and without serialization', async () => {
  const adapter = new KeyvMemcached(client, { namespace: uniqueKey('own'), minCompressLen: 100 });
  expect([await adapter.set('key', { a: 1 }), await adapter.get('key')]).toEqual([true, { a: 1 }]);
  expect(await adapter.set('gone', { expires: Date.now() - 1 }, -5)).toBe(true);
  expect(await adapter.hasMany(['key', 'gone', 'nothing'])).toEqual([true, false, false]);
  await adapter.set('long', 'x'.repeat(5000));
  const generation = String((await stored(server(), `@@generation:keyv:${String(adapter.namespace)}`))?.bytes);
  const long = await stored(server(), `keyv:${String(adapter.namespace)}:${generation}:long`);
  expect(long?.bytes.length).toBeLessThan(500);
  await adapter.disconnect(); // the client is not its own
  expect(await adapter.get('long')).toHaveLength(5000);
  expect(thrown(() => new KeyvMemcached(client, { timeout: 5 }))).toMatchObject({ name: 'TypeError' });
  expect(thrown(() => new KeyvMemcached([]))).toMatchObject({ name: 'TypeError' });
});

it('shows its options, but not the password', async () => {
  const tls = { passphrase: 'secret' };
  const store = new KeyvMemcached('127.0.0.1:1', { username: 'alice', password: 'secret', tls, timeout: 500 });
  expect(store.opts).toEqual({ timeout: 500 });
  expect(inspect(store) + JSON.stringify(store)).not.toContain('secret');
  await store.disconnect();
});

it('passes the options of the client on: TLS, discovery', async () => {
  const secure = await startMemcached({ tls: {} });
  const endpoint = await new ConfigurationEndpoint([secure], { isTls: true }).start();
  const tls = { ca: readFileSync(certificatePath('authority.pem')) };
  const keyv = new Keyv5({ store: new KeyvMemcached(endpoint.address, { tls, autoDiscovery: true }) });
  expect(await keyv.set('key', 1)).toBe(true);
  const other = new Keyv5({ store: new KeyvMemcached(`memcacheds://${secure.address}`, { tls }) });
  expect(await other.get('key')).toBe(1);
  await Promise.all([keyv.disconnect(), other.disconnect(), endpoint.stop()]);
});

it('is a store of cache-manager', async () => {
  const keyv = new Keyv5({ store: new KeyvMemcached(client), namespace: uniqueKey('manager') });
  const cache = createCache({ stores: [keyv], ttl: 60_000 });
  expect(await cache.set('key', { a: 1 })).toEqual({ a: 1 });
  expect(await cache.get('key')).toEqual({ a: 1 });
  expect(await cache.ttl('key')).toBeGreaterThan(Date.now() + 50_000);
  await cache.mset([
    { key: 'a', value: 1 },
    { key: 'b', value: 2, ttl: 1000 },
  ]);
  expect(await cache.mget(['a', 'b', 'c'])).toEqual([1, 2, undefined]);
  expect(await cache.del('key')).toBe(true);
  expect(await cache.mdel(['a'])).toBe(true);
  expect(await cache.get('key')).toBeUndefined();
  const load = jest.fn(() => Promise.resolve('loaded'));
  expect(await Promise.all([cache.wrap('wrapped', load), cache.wrap('wrapped', load)])).toEqual(['loaded', 'loaded']);
  expect(await cache.wrap('wrapped', load)).toBe('loaded');
  expect(load).toHaveBeenCalledTimes(1);
  expect(await cache.clear()).toBe(true);
  expect(await cache.get('wrapped')).toBeUndefined();
  await cache.disconnect();
  expect(await client.get('key')).toBeUndefined(); // and is still open
});
