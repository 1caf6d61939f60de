import type { Behaviors } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { runPylibmc } from '../support/python';
import { stored, thrown, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = ['10.0.0.1:11211', '10.0.0.2:11211:3', '10.0.0.3:11299', 'cache.example.org'];
const names = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11299', 'cache.example.org:11211'];

const pylibmcHashes = `
import json, pylibmc, sys
servers, behaviors, keys = (json.loads(arg) for arg in sys.argv[1:])
mc = pylibmc.Client(servers, binary=True, behaviors=behaviors)
print(json.dumps([mc.hash(key) for key in keys]))
`;

const configurations: Partial<Behaviors>[] = [
  {},
  { hash: 'md5' },
  { hash: 'crc' },
  { hash: 'fnv1a_32' },
  { hash: 'murmur' },
  { hash: 'jenkins' },
  { ketama: true },
  { ketama: true, hash: 'md5' },
  { ketama_weighted: true },
  { distribution: 'consistent', hash: 'fnv1a_64' },
  { distribution: 'consistent ketama', ketama_hash: 'fnv1_32' },
];

describe.each(configurations)('%j', (behaviors) => {
  it("hash is pylibmc's, and serverFor follows it", async () => {
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
    const mc = connect(servers, { behaviors });
    const hashes = keys.map((key) => mc.hash(key));
    const theirs = await runPylibmc(
      pylibmcHashes,
      [servers, behaviors, keys].map((arg) => JSON.stringify(arg)),
    );
    expect(hashes).toEqual(theirs);
    expect(new Set(hashes).size).toBeGreaterThan(1);
    expect(keys.map((key) => mc.serverFor(key))).toEqual(hashes.map((hash) => names[hash % names.length]));
  });
});

describe('serverFor, hash and explain', () => {
  it('need no server, and no await', () => {
    const mc = connect(servers, { behaviors: { ketama: true } });
    expect(mc.serverFor('key')).toBe(mc.clone().serverFor('key'));
    expect(mc.hash(Buffer.from('key'))).toBe(mc.hash('key'));
  });

  it('name IPv6 servers and Unix sockets as they are written', () => {
    expect(connect(['[::1]']).serverFor('key')).toBe('[::1]:11211');
    expect(connect(['[::1]:11212:2']).serverFor('key')).toBe('[::1]:11212');
    expect(connect(['/run/memcached.sock']).serverFor('key')).toBe('/run/memcached.sock');
    expect(connect('udp:localhost:11212').serverFor('key')).toBe('localhost:11212');
  });

  it('explain says where a key goes, and why', () => {
    const mc = connect(servers, { behaviors: { namespace: 'space:', ketama: true } });
    expect(mc.explain('kéy')).toEqual({
      wireKey: Buffer.from('space:kéy'),
      digest: expect.any(Number),
      hash: mc.hash('kéy'),
      server: mc.serverFor('kéy'),
      serverState: 'up',
    });
    expect(mc.explain(Buffer.from([1])).wireKey).toEqual(Buffer.from('space:\x01'));
  });

  it('spread keys by weight', () => {
    const mc = connect(['10.0.0.1:11211:1', '10.0.0.2:11211:9'], { behaviors: { ketama_weighted: true } });
    const keys = Array.from({ length: 2000 }, (_, index) => `key-${index}`);
    const light = keys.filter((key) => mc.serverFor(key) === '10.0.0.1:11211').length;
    expect(light).toBeGreaterThan(80);
    expect(light).toBeLessThan(350);
  });

  it.each(['hash', 'serverFor', 'explain'] as const)('%s refuses what is no key', (method) => {
    const mc = connect(servers, { behaviors: { namespace: 'n'.repeat(50) } });
    const bad = { name: 'BadKeyProvided', code: 'ERR_MEMCACHED_BAD_KEY', operation: method };
    expect(thrown(() => mc[method](''))).toMatchObject({ ...bad, key: '' });
    expect(thrown(() => mc[method](new Uint8Array(0)))).toMatchObject(bad);
    expect(thrown(() => mc[method]('k'.repeat(201)))).toMatchObject(bad);
    expect(thrown(() => mc[method](1 as never))).toBeInstanceOf(TypeError);
    expect(thrown(() => mc[method](undefined as never))).toBeInstanceOf(TypeError);
    mc[method]('k'.repeat(200));
  });
});

describe('values lie where serverFor says', () => {
  const running = useServers(3);

  it.each<Partial<Behaviors>>([{}, { ketama: true }, { ketama_weighted: true }, { hash: 'fnv1_64', namespace: 'n:' }])(
    '%j',
    async (behaviors) => {
      const mc = connect(running(), { behaviors });
      const keys = Array.from({ length: 30 }, () => uniqueKey());
      await mc.setMulti(keys.map((key) => [key, 1] as const));
      for (const key of keys) {
        const wireKey = `${behaviors.namespace ?? ''}${key}`;
        const found = await Promise.all(running().map((server) => stored(server, wireKey)));
        const holders = running().filter((_server, index) => found[index] !== undefined);
        expect(holders.map(({ address }) => address)).toEqual([mc.serverFor(key)]);
      }
    },
  );
});
