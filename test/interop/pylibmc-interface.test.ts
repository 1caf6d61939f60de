// What both clients offer: names, numbers and defaults.

import * as libmemcached from '../../lib/index';
import { Client, distributions, hashers } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPython } from '../support/pylibmc';

interface Offers {
  hashers: Record<string, number>;
  distributions: Record<string, number>;
  behaviors: Record<string, string | number>;
  exceptions: string[];
  retcodes: Record<string, number | null>;
  build: string;
}

let offers: Offers;

beforeAll(async () => {
  offers = await askPython<Offers>(
    `
import _pylibmc
output = {
    'hashers': {}, 'distributions': {},
    'behaviors': dict(connect(['127.0.0.1']).behaviors),
    'exceptions': [name for name, _ in _pylibmc.exceptions],
    'retcodes': {name: getattr(error, 'retcode', None) for name, error in _pylibmc.exceptions},
    'build': pylibmc.build_info(),
}
# Only what this libmemcached was built with.
for kind, names in (('hash', 'hashers'), ('distribution', 'distributions')):
    for name, number in getattr(pylibmc, names).items():
        try: connect(['127.0.0.1'], {kind: name})
        except pylibmc.Error: continue
        output[names][name] = number
`,
    null,
  );
});

afterAll(stopAll);

it('the same hash functions', () => {
  expect(hashers).toEqual(offers.hashers);
});

it('the same distributions, but for virtual buckets, whose table neither can set', () => {
  const { 'virtual bucket': virtualBucket, ...others } = offers.distributions;
  expect(virtualBucket).toBe(6);
  expect(distributions).toEqual(others);
});

it('the same behaviors and defaults, but for tcp_nodelay, and pickles', async () => {
  const client = new Client('127.0.0.1');
  const { namespace, tcp_keepidle: idle, tcp_keepintvl: interval, ...ours } = client.getBehaviors();
  expect([idle, interval]).toEqual([0, 0]); // not pylibmc's
  expect(namespace).toBe(''); // pylibmc can set it and not read it
  const { pickle_protocol: pickles, ...theirs } = offers.behaviors;
  expect(pickles).toBe(-1);
  const numbers = Object.fromEntries(
    Object.entries(ours).map(([name, value]) => {
      if (typeof value === 'boolean') return [name, Number(value)];
      if (name === 'ketama_hash') return [name, hashers[String(value)]];
      return [name, value];
    }),
  );
  expect(numbers).toEqual({ ...theirs, tcp_nodelay: 1 });
  await client.close();
});

it('an error for each of its exceptions, under the same name', () => {
  const ours = new Map<string, unknown>(Object.entries(libmemcached));
  // Error is MemcachedError here: Error is JavaScript's own.
  const missing = offers.exceptions.filter((name) => name !== 'Error' && typeof ours.get(name) !== 'function');
  expect(missing).toEqual([]);
  const isOurs = (name: string) =>
    new (ours.get(name) as new (message: string) => Error)('') instanceof libmemcached.MemcachedError;
  expect(offers.exceptions.filter((name) => name !== 'Error' && !isOurs(name))).toEqual([]);
});

it('a line about the build; its version is the one that the README tells of', () => {
  expect(offers.build).toMatch(/^pylibmc 1\.6\.\S+ for libmemcached \S+ \(compression=True, sasl=True\)$/);
  expect(libmemcached.buildInfo()).toMatch(/^libmemcached \S+ for libmemcached \S+ \(compression=true, sasl=true\)/);
});

it.each(['tcp', 'tcp6', 'unix'] as const)('the same names in the statistics of a server on %s', async (transport) => {
  const servers: MemcachedServer[] = await Promise.all([startMemcached({ transport }), startMemcached({ transport })]);
  const addresses = servers.map(({ address }) => address);
  const theirs = await askPython<[string, string[]][]>(
    // Names are bytes there.
    `output = [(name.decode(), sorted(stats)) for name, stats in connect(input).get_stats()]`,
    addresses,
  );
  const client = new Client(addresses);
  const ours = await client.getStats();
  await client.close();
  expect(ours.map(([name]) => name)).toEqual(theirs.map(([name]) => name));
  // pylibmc tells 22 that libmemcached has a name for; we tell what the server tells.
  for (const [index, [, statistics]] of theirs.entries()) {
    expect(statistics.length).toBeGreaterThan(20);
    expect(Object.keys(ours[index]?.[1] ?? {})).toEqual(expect.arrayContaining(statistics));
  }
});
