// PHP's memcached extension and we choose the same server for a key: seen on running servers, by looking where the keys
// are, and by each client finding what the other one wrote.

import { Client, type Behaviors } from '../../lib/index';
import { keysOn } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPhp, describeWithPhp } from '../support/php-memcached';

const WEIGHTS = [1, 3, 2, 7, 1, 10, 4, 1, 5, 2];
const KEYS = 40;

/** What PHP is told, and what says the same to us. */
interface Setting {
  name: string;
  options: Record<string, string | number | boolean>;
  behaviors: Partial<Behaviors>;
}

const hashes = { HASH_DEFAULT: 'default', HASH_MD5: 'md5', HASH_CRC: 'crc', HASH_FNV1A_32: 'fnv1a_32' } as const;
// Memcached::HASH_… and Memcached::DISTRIBUTION_… are libmemcached's numbers.
const numbers = { HASH_DEFAULT: 0, HASH_MD5: 1, HASH_CRC: 2, HASH_FNV1A_32: 6 };

const spreads: Setting[] = [
  { name: 'the defaults', options: {}, behaviors: {} },
  {
    name: 'OPT_LIBKETAMA_COMPATIBLE',
    options: { LIBKETAMA_COMPATIBLE: true },
    behaviors: { ketama_weighted: true },
  },
  {
    name: 'DISTRIBUTION_CONSISTENT',
    options: { DISTRIBUTION: 1 },
    behaviors: { distribution: 'consistent' },
  },
  // PHP's options take effect one after the other; ours as pylibmc's: the distribution after ketama.
  {
    name: 'DISTRIBUTION_CONSISTENT, then OPT_LIBKETAMA_COMPATIBLE',
    options: { DISTRIBUTION: 1, LIBKETAMA_COMPATIBLE: true },
    behaviors: { ketama_weighted: true },
  },
  {
    name: 'OPT_LIBKETAMA_COMPATIBLE, then DISTRIBUTION_CONSISTENT',
    options: { LIBKETAMA_COMPATIBLE: true, DISTRIBUTION: 1 },
    behaviors: { distribution: 'consistent', ketama_weighted: true },
  },
  ...(Object.keys(hashes) as (keyof typeof hashes)[]).map((name) => ({
    name: `OPT_HASH ${name}`,
    options: { HASH: numbers[name] },
    behaviors: { hash: hashes[name] },
  })),
];

const prefixes: Setting[] = [
  { name: '', options: {}, behaviors: {} },
  { name: ' and OPT_PREFIX_KEY', options: { PREFIX_KEY: 'app:' }, behaviors: { namespace: 'app:' } },
];

const settings = spreads.flatMap((spread) =>
  prefixes.map((prefix) => ({
    name: spread.name + prefix.name,
    options: { ...spread.options, ...prefix.options },
    behaviors: { ...spread.behaviors, ...prefix.behaviors },
  })),
);

const WRITE = `
foreach ($input as $job) {
    $mc = connect($job['specs'], $job['options'], $job['later']);
    foreach ($job['theirs'] as $key) must($mc->set($key, $key), $mc);
    // Its own account of the servers, by the key.
    $output[] = array_map(fn ($key) => $mc->getServerByKey($key), $job['theirs']);
}
`;

const READ = `
foreach ($input as $job) {
    $mc = connect($job['specs'], $job['options'], $job['later']);
    $output[] = array_values(array_filter($job['ours'], fn ($key) => $mc->get($key) !== $key));
}
`;

describeWithPhp('placement with php-memcached', () => {
  let tcp: MemcachedServer[] = [];
  let tcp6: MemcachedServer[] = [];
  let unix: MemcachedServer[] = [];

  beforeAll(async () => {
    const start = (count: number, transport: 'tcp' | 'tcp6' | 'unix') =>
      Promise.all(Array.from({ length: count }, () => startMemcached({ transport, memoryMb: 8, args: ['-t', '1'] })));
    [tcp, tcp6, unix] = await Promise.all([start(20, 'tcp'), start(3, 'tcp6'), start(3, 'unix')]);
  });

  afterAll(stopAll);

  async function agree(servers: readonly MemcachedServer[], isWeighted: boolean, later: boolean): Promise<void> {
    const specs = servers.map(({ address }, index) =>
      isWeighted ? `${address}:${WEIGHTS[index % WEIGHTS.length]}` : address,
    );
    const keys = (name: string) => Array.from({ length: KEYS }, () => uniqueKey(name));
    const jobs = settings.map((setting) => ({ ...setting, specs, later, theirs: keys('theirs'), ours: keys('ours') }));
    await askPhp(WRITE, jobs);
    const chosen: Map<string, string>[] = [];
    for (const { name, behaviors, theirs, ours } of jobs) {
      const client = new Client(specs, { codec: 'php', ...(later ? {} : { behaviors }) });
      if (later) client.setBehaviors(behaviors);
      const values = await client.getMulti(theirs);
      expect([name, theirs.filter((key) => values.get(key) !== key)]).toEqual([name, []]);
      expect(await client.setMulti(ours.map((key) => [key, key] as const))).toEqual([]);
      const prefix = behaviors.namespace ?? '';
      chosen.push(new Map([...theirs, ...ours].map((key) => [prefix + key, client.serverFor(key)])));
      await client.close();
    }
    const notFoundByPhp = await askPhp<string[][]>(READ, jobs);
    expect(jobs.map(({ name }, index) => [name, notFoundByPhp[index]])).toEqual(jobs.map(({ name }) => [name, []]));

    const places = new Map<string, string[]>();
    for (const server of servers) {
      const found = await keysOn(server);
      // Or it would prove nothing.
      expect(found.length).toBeGreaterThan(0);
      for (const key of found) places.set(key, [...(places.get(key) ?? []), server.address]);
    }
    for (const [index, { name }] of jobs.entries()) {
      const expected = [...(chosen[index] as Map<string, string>)];
      // On one server only, and on that one.
      expect([name, expected.filter(([key, server]) => places.get(key)?.join() !== server)]).toEqual([name, []]);
    }
  }

  describe.each([1, 3, 5, 20])('on %i TCP servers', (count) => {
    it.each([
      ['equal', 'before'],
      ['different', 'before'],
      ['equal', 'after'],
      ['different', 'after'],
    ])('with %s weights, options set %s the servers', (weights, order) =>
      agree(tcp.slice(0, count), weights === 'different', order === 'after'),
    );
  });

  it('on IPv6 servers', () => agree(tcp6, true, false));

  it('on Unix sockets', () => agree(unix, false, false));

  it('with the order of the servers turned round', () => agree(tcp.slice(0, 5).reverse(), true, false));
});
