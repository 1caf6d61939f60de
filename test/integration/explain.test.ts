// explain: the answer to "why is my key not there", on servers that are there, and on some that are not.

import { until, timed } from '../support/failover-clusters';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { stored, useClients } from '../support/clients';

const connect = useClients();
let servers: MemcachedServer[];
beforeEach(async () => {
  servers = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
});
afterEach(stopAll);

it.each([{}, { namespace: 'space:' }, { ketama: true }, { namespace: 'n:', _hash_with_prefix_key: true }])(
  '%j: the wire key is on the server that it names, and on no other',
  async (behaviors) => {
    const mc = connect(servers, { behaviors });
    for (let round = 0; round < 20; ++round) {
      const key = uniqueKey();
      const { wireKey, server, serverState } = mc.explain(key);
      await mc.set(key, key);
      const found = await Promise.all(servers.map((each) => stored(each, wireKey.toString())));
      const holders = servers.filter((_server, index) => found[index] !== undefined);
      expect(holders.map(({ address }) => address)).toEqual([server]);
      expect([server, serverState]).toEqual([mc.serverFor(key), 'up']);
    }
  },
);

it('says why two clients do not see the same: the server, or the key on the wire', async () => {
  const [one, other] = [connect(servers), connect(servers, { behaviors: { namespace: 'space:', hash: 'md5' } })];
  const key = uniqueKey();
  await one.set(key, 'value');
  expect(await other.get(key)).toBeUndefined();
  expect(one.explain(key).wireKey.toString()).toBe(key);
  expect(other.explain(key).wireKey.toString()).toBe(`space:${key}`);
  expect(one.explain(key).digest).not.toBe(other.explain(key).digest);
  other.setBehaviors({ namespace: '', hash: 'default' });
  expect(other.explain(key)).toEqual(one.explain(key));
  expect(await other.get(key)).toBe('value');
});

it('digest is the hash function’s value, hash the distribution’s choice', () => {
  const mc = connect(['10.0.0.1', '10.0.0.2', '10.0.0.3'], { behaviors: { hash: 'crc' } });
  // libmemcached's crc: bits 16 to 30 of the CRC-32, which of "123456789" is cbf43926.
  expect(mc.explain('123456789')).toMatchObject({ digest: 0x4bf4, hash: 0x4bf4 % 3 });
  expect(mc.explain('123456789').server).toBe(`10.0.0.${String((0x4bf4 % 3) + 1)}:11211`);
});

describe('the state of the server', () => {
  it('up, down and up again', async () => {
    const mc = connect(servers, { timeout: 1000, behaviors: { retry_timeout: 1 } });
    const [victim] = servers;
    const key = Array.from({ length: 100 }, () => uniqueKey()).find((each) => mc.serverFor(each) === victim?.address);
    if (victim === undefined || key === undefined) throw new Error('a key of the first server');
    const state = () => mc.explain(key).serverState;
    expect(state()).toBe('up');
    await victim.kill();
    await timed(mc.get(key));
    await until(() => state() === 'down');
    expect(mc.serverFor(key)).toBe(victim.address); // nobody else has it
    await victim.restart();
    await until(async () => (await timed(mc.get(key))).outcome === 'ok');
    expect(state()).toBe('up');
  });

  it('another server, while its own is dead', async () => {
    const behaviors = { ketama: true, remove_failed: 1, retry_timeout: 1, dead_timeout: 1 };
    const mc = connect(servers, { timeout: 1000, behaviors });
    const [victim] = servers;
    const key = Array.from({ length: 100 }, () => uniqueKey()).find((each) => mc.serverFor(each) === victim?.address);
    if (victim === undefined || key === undefined) throw new Error('a key of the first server');
    const before = mc.explain(key);
    await victim.kill();
    await timed(mc.set(key, 1));
    await until(async () => (await timed(mc.set(key, 'elsewhere'))).outcome === 'ok');
    const during = mc.explain(key);
    expect(during).toMatchObject({ wireKey: before.wireKey, digest: before.digest, serverState: 'up' });
    expect(during.server).not.toBe(victim.address);
    const holder = servers.find(({ address }) => address === during.server);
    expect(await stored(holder as MemcachedServer, key)).toMatchObject({ bytes: 'elsewhere' });
    await victim.restart();
    await until(async () => {
      await mc.get(key);
      return mc.explain(key).server === victim.address;
    });
    expect(mc.explain(key)).toEqual(before);
  });

  it('of a replica’s key it is still the first server’s', async () => {
    const mc = connect(servers, { behaviors: { num_replicas: 1 } });
    const key = uniqueKey();
    await mc.set(key, 'value');
    const { server } = mc.explain(key);
    const home = servers.find(({ address }) => address === server);
    expect(await stored(home as MemcachedServer, key)).toMatchObject({ bytes: 'value' });
  });
});
