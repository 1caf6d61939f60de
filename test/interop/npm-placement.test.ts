// npm's memcached and we choose the same server for a key with ketama_weighted. memjs and dalli have ways of their own.

import { Client } from '../../lib/index';
import { keysOn } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { MemcachedOfNpm } from '../support/npm-clients';

let servers: MemcachedServer[] = [];

beforeAll(async () => {
  const start = () => startMemcached({ memoryMb: 8, args: ['-t', '1'] });
  servers = await Promise.all(Array.from({ length: 5 }, start));
});

afterAll(stopAll);

it.each([
  ['equal', [1, 1, 1, 1, 1]],
  ['different', [1, 3, 2, 7, 1]],
])('on running servers with %s weights', async (_name, weights) => {
  const theirs = new MemcachedOfNpm(
    Object.fromEntries(servers.map(({ address }, index) => [address, weights[index] as number])),
  );
  const client = new Client(
    servers.map(({ address }, index) => `${address}:${weights[index] as number}`),
    { codec: 'memcached', behaviors: { ketama_weighted: true } },
  );
  const [keys, ours] = [200, 50].map((length) => Array.from({ length }, () => uniqueKey())) as [string[], string[]];
  for (const key of keys) await theirs.set(key, key);
  const places = new Map<string, string>();
  for (const server of servers) {
    const found = await keysOn(server);
    expect(found.length).toBeGreaterThan(0);
    for (const key of found) places.set(key, server.address);
  }
  expect(keys.filter((key) => places.get(key) !== client.serverFor(key))).toEqual([]);
  expect([...(await client.getMulti(keys)).keys()]).toEqual(keys);
  await client.setMulti(ours.map((key) => [key, key] as const));
  for (const key of ours) expect(await theirs.get(key)).toBe(key);
  theirs.end();
  await client.close();
});

// Both leave the port out of a server's name if it is memcached's own; nothing runs there, so no key is stored.
it('at the default port', () => {
  const addresses = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11212', 'cache.example.org:11211'];
  const theirs = new MemcachedOfNpm(addresses);
  const client = new Client(addresses, { behaviors: { ketama_weighted: true } });
  const keys = Array.from({ length: 500 }, () => uniqueKey());
  expect(keys.filter((key) => theirs.serverFor(key) !== client.serverFor(key))).toEqual([]);
  theirs.end();
  client.destroy();
});
