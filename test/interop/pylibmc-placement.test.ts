// Both clients choose the same server for a key, whatever the behaviors: seen on running servers, by looking where the
// keys are, and by each client finding what the other one wrote.

import { Client, distributions, hashers, type Behaviors, type Distribution, type Hasher } from '../../lib/index';
import { uniqueKey } from '../helpers/keys';
import { startMemcached, stopAll, type MemcachedServer } from '../helpers/servers';
import { askPython, keysOn } from './pylibmc-support';

/** What is offered by both, without `random`, which has no place to agree on. */
const hasherNames = Object.keys(hashers) as Hasher[];
const distributionNames = (Object.keys(distributions) as Distribution[]).filter((name) => name !== 'random');

const KEYS = 12;
const WEIGHTS = [1, 3, 2, 7, 1, 10, 4, 1, 5, 2];
const NAMESPACE = 'app:';

interface Combination {
  /** Specifications with weights. */
  servers: string[];
  behaviors: Partial<Behaviors>;
  /** Behaviors are set after the servers are there. */
  later: boolean;
  binary: boolean;
  /** Keys that pylibmc writes; their value is the key. */
  theirs: string[];
  /** Keys that we write; their value is the key. */
  ours: string[];
}

let tcp: MemcachedServer[] = [];
let tcp6: MemcachedServer[] = [];
let unix: MemcachedServer[] = [];

beforeAll(async () => {
  const start = (count: number, transport: 'tcp' | 'tcp6' | 'unix') =>
    Promise.all(Array.from({ length: count }, () => startMemcached({ transport, memoryMb: 8, args: ['-t', '1'] })));
  [tcp, tcp6, unix] = await Promise.all([start(20, 'tcp'), start(5, 'tcp6'), start(5, 'unix')]);
});

afterAll(stopAll);

function combination(
  servers: readonly MemcachedServer[],
  isWeighted: boolean,
  behaviors: Partial<Behaviors>,
  more: { later?: boolean; binary?: boolean; keys?: number } = {},
): Combination {
  const specs = servers.map(({ address }, index) =>
    isWeighted ? `${address}:${String(WEIGHTS[index % WEIGHTS.length])}` : address,
  );
  const keys = (name: string) => Array.from({ length: more.keys ?? KEYS }, () => uniqueKey(name));
  const { later = false, binary = false } = more;
  return { servers: specs, behaviors, later, binary, theirs: keys('theirs'), ours: keys('ours') };
}

/** hash × distribution × ketama × ketama_weighted × namespace × _hash_with_prefix_key */
function* everyBehavior(
  hashes: readonly Hasher[] = hasherNames,
  spreads: readonly (Distribution | undefined)[] = [undefined, ...distributionNames],
): Generator<Partial<Behaviors>> {
  const ketamas: Partial<Behaviors>[] = [
    {},
    { ketama: true },
    { ketama_weighted: true },
    { ketama: true, ketama_weighted: true },
  ];
  const namespaces: Partial<Behaviors>[] = [
    {},
    { namespace: NAMESPACE },
    { namespace: NAMESPACE, _hash_with_prefix_key: true },
  ];
  for (const hash of hashes) {
    for (const distribution of spreads) {
      for (const ketama of ketamas) {
        for (const namespace of namespaces)
          yield { hash, ...(distribution === undefined ? {} : { distribution }), ...ketama, ...namespace };
      }
    }
  }
}

const WRITE = `
output = []
for job in input:
    if job['later']:
        mc = connect(job['servers'], {}, binary=job['binary'])
        behaviors = dict(job['behaviors'])
        if 'namespace' in behaviors: behaviors['namespace'] = behaviors['namespace'].encode()
        mc.set_behaviors(behaviors)
    else:
        mc = connect(job['servers'], job['behaviors'], binary=job['binary'])
    for key in job['theirs']:
        if not mc.set(key, key): raise RuntimeError('not stored: ' + key)
    output.append([mc.hash(key) for key in job['theirs']])
`;

const READ = `
output = []
for job in input:
    behaviors = dict(job['behaviors'])
    if job['later']:
        mc = connect(job['servers'], {}, binary=job['binary'])
        if 'namespace' in behaviors: behaviors['namespace'] = behaviors['namespace'].encode()
        mc.set_behaviors(behaviors)
    else:
        mc = connect(job['servers'], behaviors, binary=job['binary'])
    output.append([mc.get(key) == key for key in job['ours']])
`;

/** What did not go as it must, for each combination that has something. */
interface Disagreement {
  behaviors: Partial<Behaviors>;
  /** Keys of pylibmc's that we do not find. */
  notFoundByUs: string[];
  /** Keys of ours that pylibmc does not find. */
  notFoundByThem: string[];
  /** Keys that are elsewhere than `serverFor` says. */
  elsewhere: string[];
  /** Keys that `hash` tells something else for. */
  hashedDifferently: string[];
}

async function disagreements(
  servers: readonly MemcachedServer[],
  combinations: readonly Combination[],
): Promise<Disagreement[]> {
  const theirHashes = await askPython<number[][]>(WRITE, combinations);
  const found: Disagreement[] = combinations.map(({ behaviors }) => ({
    behaviors,
    notFoundByUs: [],
    notFoundByThem: [],
    elsewhere: [],
    hashedDifferently: [],
  }));
  const chosen: Map<string, string>[] = [];

  for (const [index, { servers: specs, behaviors, later, binary, theirs, ours }] of combinations.entries()) {
    const report = found[index] as Disagreement;
    const client = new Client(specs, later ? { binary } : { binary, behaviors });
    if (later) client.setBehaviors(behaviors);
    try {
      const values = await client.getMulti(theirs);
      report.notFoundByUs = theirs.filter((key) => values.get(key) !== key);
      const notStored = await client.setMulti(ours.map((key) => [key, key] as const));
      expect(notStored).toEqual([]);
      report.hashedDifferently = theirs.filter((key, at) => client.hash(key) !== theirHashes[index]?.[at]);
      const namespace = behaviors.namespace ?? '';
      chosen.push(new Map([...theirs, ...ours].map((key) => [namespace + key, client.serverFor(key)])));
    } finally {
      await client.close();
    }
  }

  const foundByThem = await askPython<boolean[][]>(READ, combinations);
  const places = new Map<string, string[]>();
  for (const server of servers) {
    for (const key of await keysOn(server)) places.set(key, [...(places.get(key) ?? []), server.address]);
  }
  for (const [index, report] of found.entries()) {
    report.notFoundByThem = (combinations[index] as Combination).ours.filter((_key, at) => !foundByThem[index]?.[at]);
    for (const [wireKey, server] of chosen[index] as Map<string, string>) {
      // On one server only, and on that one.
      if (places.get(wireKey)?.join() !== server) report.elsewhere.push(wireKey);
    }
  }
  return found.filter((report) => Object.values(report).some((part) => Array.isArray(part) && part.length > 0));
}

/** For the matrix to mean something, the keys must be on many servers. */
async function expectSpread(servers: readonly MemcachedServer[]): Promise<void> {
  const counts = await Promise.all(servers.map(async (server) => (await keysOn(server)).length));
  expect(Math.min(...counts)).toBeGreaterThan(0);
}

describe('every hash, distribution, ketama, ketama_weighted, namespace and _hash_with_prefix_key', () => {
  describe.each([3, 5, 20])('on %i TCP servers', (count) => {
    it.each(['equal', 'different'])('with %s weights', async (weights) => {
      const servers = tcp.slice(0, count);
      const combinations = [...everyBehavior()].map((behaviors) =>
        combination(servers, weights === 'different', behaviors),
      );
      expect(combinations).toHaveLength(hasherNames.length * (distributionNames.length + 1) * 4 * 3);
      expect(await disagreements(servers, combinations)).toEqual([]);
      await expectSpread(servers);
    });
  });
});
