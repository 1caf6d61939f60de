// Behaviors that decide where a key goes, changed while a client is in use: keys are where they must be, on real servers.
// (That libmemcached's other clients choose the same servers: test/interop.)

import { distributions, hashers, type Behaviors, type Client, type Distribution, type Hasher } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { stored, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(5);

const KEYS = 40;

/** Writes new keys, and returns where they are. */
async function places(mc: Client, wirePrefix = '', names?: readonly string[]): Promise<Map<string, string>> {
  const keys = names ?? Array.from({ length: KEYS }, () => uniqueKey());
  expect(await mc.setMulti(keys.map((key) => [key, key] as const))).toEqual([]);
  const found = new Map<string, string>();
  for (const key of keys) {
    const holders = await Promise.all(servers().map((server) => stored(server, wirePrefix + key)));
    found.set(key, servers().flatMap(({ address }, index) => (holders[index] ? [address] : [])).join()); // prettier-ignore
  }
  return found;
}

const weighted = () => servers().map(({ address }, index) => `${address}:${String(1 + index * 3)}`);

const hashNames = Object.keys(hashers) as Hasher[];
// random: below.
const spreads = (Object.keys(distributions) as Distribution[]).filter((name) => name !== 'random');

/** What is in force before; what is set; whether that moves keys. */
const changes: [before: Partial<Behaviors>, change: Partial<Behaviors>, moves?: boolean][] = [
  ...hashNames.map((hash): [Partial<Behaviors>, Partial<Behaviors>] => [
    { hash: hash === 'md5' ? 'default' : 'md5' },
    { hash },
  ]),
  // libmemcached 1.1.4 keeps it, and asks for it nowhere: pylibmc's keys do not move either (test/interop).
  ...hashNames.map((ketama_hash): [Partial<Behaviors>, Partial<Behaviors>, false] => [
    { distribution: 'consistent', ketama_hash: ketama_hash === 'md5' ? 'default' : 'md5' },
    { ketama_hash },
    false,
  ]),
  ...spreads.map((distribution): [Partial<Behaviors>, Partial<Behaviors>] => [
    { hash: 'md5', distribution: distribution === 'modula' ? 'consistent' : 'modula' },
    { distribution },
  ]),
  [{ hash: 'md5' }, { ketama: true }],
  [{ ketama: true }, { ketama: false }],
  [{ hash: 'fnv1a_32' }, { ketama_weighted: true }],
  [{ namespace: 'space:' }, { _hash_with_prefix_key: true }],
  [{ namespace: 'space:', _hash_with_prefix_key: true }, { _hash_with_prefix_key: false }],
  [{ _hash_with_prefix_key: true, namespace: 'one:' }, { namespace: 'another:' }],
  [{ namespace: 'one:' }, { namespace: 'another:' }, false],
];

describe('changed while the client is in use', () => {
  it.each(changes)('%j, then %j', async (before, change, moves = true) => {
    const mc = connect(weighted(), { behaviors: before });
    const keys = Array.from({ length: KEYS }, () => uniqueKey());
    const chosenBefore = keys.map((key) => mc.serverFor(key));
    const first = await places(mc, before.namespace, keys);
    expect([...first.values()]).toEqual(chosenBefore);

    mc.setBehaviors(change);
    const chosen = keys.map((key) => mc.serverFor(key));
    expect(chosen.join() === chosenBefore.join()).toBe(!moves);
    const wirePrefix = mc.behaviors.namespace;
    await mc.deleteMulti(keys);
    const fresh = Array.from({ length: KEYS }, () => uniqueKey());
    const second = await places(mc, wirePrefix, fresh);
    expect([...second.values()]).toEqual(fresh.map((key) => mc.serverFor(key)));
    expect(await mc.getMulti(fresh)).toEqual(new Map(fresh.map((key) => [key, key])));
    expect(new Set(second.values()).size).toBeGreaterThan(1);

    // A client that is given all of it one after the other, before its first operation, agrees.
    const other = connect(weighted(), { behaviors: before });
    other.setBehaviors(change);
    expect(fresh.map((key) => other.serverFor(key))).toEqual([...second.values()]);
    expect((await other.getMulti(fresh)).size).toBe(KEYS);
  });
});

describe('_sort_hosts', () => {
  const shuffled = () => [3, 0, 4, 2, 1].map((index) => servers()[index]?.address ?? '');

  it('makes clients agree that know the servers in another order', async () => {
    const [one, other] = [servers().map(({ address }) => address), shuffled()].map((list) => connect(list));
    if (one === undefined || other === undefined) throw new Error('two clients');
    const found = await places(one);
    expect((await other.getMulti(found.keys())).size).toBeLessThan(KEYS);
    for (const mc of [one, other]) mc.behaviors._sort_hosts = true;
    const sorted = await places(one);
    expect((await other.getMulti(sorted.keys())).size).toBe(KEYS);
    expect([...sorted.keys()].map((key) => other.serverFor(key))).toEqual([...sorted.values()]);
  });

  it('is the same when it is given at once', async () => {
    const mc = connect(shuffled(), { behaviors: { _sort_hosts: true } });
    const later = connect(servers());
    later.behaviors._sort_hosts = true;
    const found = await places(mc);
    expect([...found.keys()].map((key) => later.serverFor(key))).toEqual([...found.values()]);
  });
});

it('weights count with ketama_weighted that is given at once', async () => {
  const specs = servers().map(({ address }, index) => (index === 0 ? `${address}:100` : address));
  const mc = connect(specs, { behaviors: { ketama_weighted: true } });
  const heavy = [...(await places(mc)).values()].filter((address) => address === servers()[0]?.address);
  expect(heavy.length).toBeGreaterThan(KEYS * 0.75);
});

it('random is another server each time', async () => {
  const mc = connect(servers(), { behaviors: { distribution: 'random' } });
  const key = uniqueKey();
  for (let round = 0; round < 60; ++round) await mc.set(key, round);
  const holders = await Promise.all(servers().map((server) => stored(server, key)));
  expect(holders.filter((found) => found !== undefined).length).toBeGreaterThan(1);
  mc.behaviors.distribution = 'modula';
  await mc.set(key, 'now');
  expect(await mc.get(key)).toBe('now');
  expect(await mc.get(key)).toBe('now');
});
