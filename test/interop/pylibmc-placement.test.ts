// Both clients choose the same server for a key, whatever the behaviors: seen on running servers, by looking where the
// keys are, and by each client finding what the other one wrote.

import { Client, distributions, hashers, type Behaviors, type Distribution, type Hasher } from '../../lib/index';
import { keysOn } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPython } from '../support/pylibmc';

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

// Thousands of clients, each with its connections: a busy machine takes its time.
jest.setTimeout(90_000);

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

/** As everyBehavior, but the ketamas and namespaces take turns. */
function someBehaviors(...args: Parameters<typeof everyBehavior>): Partial<Behaviors>[] {
  // 12 behaviors for each hash and distribution; 5 is prime to 12, so that all of them have their turn.
  return [...everyBehavior(...args)].filter((_behaviors, index) => index % 12 === (((index / 12) | 0) * 5) % 12);
}

describe('every hash, distribution, ketama, ketama_weighted, namespace and _hash_with_prefix_key', () => {
  describe.each([3, 5])('on %i TCP servers', (count) => {
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

  describe('on 20 TCP servers, the namespaces taking turns', () => {
    it.each(['equal', 'different'])('with %s weights', async (weights) => {
      const behaviors = [...everyBehavior()].filter((_behaviors, index) => index % 3 === ((index / 3) | 0) % 3);
      const combinations = behaviors.map((behaviors) => combination(tcp, weights === 'different', behaviors));
      expect(combinations).toHaveLength(hasherNames.length * (distributionNames.length + 1) * 4);
      expect(await disagreements(tcp, combinations)).toEqual([]);
      await expectSpread(tcp);
    });
  });
});

describe('every hash and distribution, the other behaviors taking turns', () => {
  it('on 1 TCP server', async () => {
    const servers = tcp.slice(0, 1);
    const combinations = someBehaviors().map((behaviors, index) => combination(servers, index % 2 === 1, behaviors));
    expect(combinations).toHaveLength(hasherNames.length * (distributionNames.length + 1));
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  it.each(['equal', 'different'])('on 5 IPv6 servers with %s weights', async (weights) => {
    const combinations = someBehaviors().map((behaviors) => combination(tcp6, weights === 'different', behaviors));
    expect(await disagreements(tcp6, combinations)).toEqual([]);
    await expectSpread(tcp6);
  });

  it('on 5 Unix sockets', async () => {
    const combinations = someBehaviors().map((behaviors) => combination(unix, false, behaviors));
    expect(await disagreements(unix, combinations)).toEqual([]);
    await expectSpread(unix);
  });

  it('in the binary protocol', async () => {
    const servers = tcp.slice(0, 5);
    const combinations = someBehaviors().map((behaviors) =>
      // Without tcp_nodelay pylibmc's binary protocol waits 40 ms now and then.
      combination(servers, true, { ...behaviors, tcp_nodelay: true }, { binary: true }),
    );
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  // Weights count only in a ketama_weighted that is set before the servers are known: pylibmc's clients that set
  // behaviors afterwards place keys differently from those that pass them to the constructor.
  it.each(['equal', 'different'])('set when the servers are known, with %s weights', async (weights) => {
    const servers = tcp.slice(0, 5);
    const combinations = someBehaviors().map((behaviors) =>
      combination(servers, weights === 'different', behaviors, { later: true }),
    );
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  it('with sorted hosts', async () => {
    const servers = [4, 1, 3, 0, 2].map((index) => tcp[index] as MemcachedServer);
    const combinations = someBehaviors().map((behaviors, index) =>
      combination(servers, index % 2 === 1, { ...behaviors, _sort_hosts: true }),
    );
    expect(await disagreements(servers, combinations)).toEqual([]);
  });
});

describe('what else decides', () => {
  it('every ketama_hash', async () => {
    const servers = tcp.slice(0, 5);
    const combinations = hasherNames.flatMap((ketama_hash) => [
      ...(['consistent', 'consistent ketama', 'consistent weighted'] as const).map((distribution) =>
        combination(servers, true, { hash: 'fnv1a_32', ketama_hash, distribution }),
      ),
      combination(servers, true, { ketama_hash, ketama: true }),
      combination(servers, true, { ketama_hash, ketama_weighted: true }),
    ]);
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  it('the order of the servers', async () => {
    const servers = [4, 1, 3, 0, 2].map((index) => tcp[index] as MemcachedServer);
    const combinations = someBehaviors(['default', 'md5']).map((behaviors) => combination(servers, true, behaviors));
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  it('keys of all lengths', async () => {
    const servers = tcp.slice(0, 5);
    const combinations = hasherNames.flatMap((hash) =>
      [false, true].map((ketama_weighted) => {
        const made = combination(servers, true, { hash, ketama_weighted }, { keys: 40 });
        const grow = (key: string, index: number) => key.padEnd(key.length + index * 4, 'x');
        return { ...made, theirs: made.theirs.map(grow), ours: made.ours.map(grow) };
      }),
    );
    expect(await disagreements(servers, combinations)).toEqual([]);
  });

  // ketama leaves the port out of a server's name if it is memcached's own; nothing runs there, so no key is stored.
  it('the default port, and host names', async () => {
    const servers = ['10.0.0.1', '10.0.0.2:11211', '10.0.0.3:11212:2', 'cache.example.org', '[fd00::1]', '[fd00::2]:5'];
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    const behaviors = someBehaviors();
    const program = `
output = []
for behaviors in input['behaviors']:
    mc = connect(input['servers'], behaviors)
    output.append([mc.hash(key) for key in input['keys']])
`;
    const hashes = await askPython<number[][]>(program, { servers, keys, behaviors });
    const different = behaviors.filter((combination, index) => {
      const client = new Client(servers, { behaviors: combination });
      const same = keys.every((key, at) => client.hash(key) === hashes[index]?.[at]);
      client.destroy();
      return !same;
    });
    expect(different).toEqual([]);
  });

  it.each([
    [1, false],
    [2, false],
    [1, true],
    [2, true],
  ])('%i replicas are on the same servers (sorted: %s)', async (num_replicas, _sort_hosts) => {
    // In no order that is a rotation of the sorted one: then neighbours would be neighbours all the same.
    const byPort = tcp.slice(0, 5).sort((one, other) => one.port - other.port);
    const servers = [3, 1, 4, 0, 2].map((index) => byPort[index] as MemcachedServer);
    const behaviors = { num_replicas, _sort_hosts, ketama: true, tcp_nodelay: true };
    const keys = Array.from({ length: 20 }, () => uniqueKey('replicated'));
    const specs = servers.map(({ address }) => address);
    const client = new Client(specs, { binary: true, behaviors });
    const places = async (writer: string): Promise<Map<string, string>> => {
      const found = new Map(keys.map((key) => [key, '']));
      for (const server of servers) {
        for (const key of await keysOn(server)) {
          if (found.has(key)) found.set(key, `${found.get(key) ?? ''} ${server.address}`);
        }
      }
      expect([writer, [...found.values()].map((list) => list.trim().split(' ').length)]).toEqual([
        writer,
        keys.map(() => num_replicas + 1),
      ]);
      return found;
    };
    await client.setMulti(keys.map((key) => [key, key] as const));
    const ours = await places('ours');
    const program = `
mc = connect(input['servers'], input['behaviors'], binary=True)
read = [mc.get(key) for key in input['keys']]
for server in input['servers']:
    one = connect([server])
    for key in input['keys']: one.delete(key)
output = {'read': read, 'stored': [mc.set(key, key) for key in input['keys']]}
`;
    const { read, stored } = await askPython<{ read: string[]; stored: boolean[] }>(program, {
      servers: specs,
      behaviors,
      keys,
    });
    expect(read).toEqual(keys);
    expect(stored).toEqual(keys.map(() => true));
    expect(await places('pylibmc')).toEqual(ours);
    expect(await client.getMulti(keys)).toEqual(new Map(keys.map((key) => [key, key])));
    await client.close();
  });

  it('random is nobody’s to agree on', async () => {
    const servers = tcp.slice(0, 5);
    const client = new Client(
      servers.map(({ address }) => address),
      { behaviors: { distribution: 'random' } },
    );
    const key = uniqueKey();
    const seen = new Set(Array.from({ length: 200 }, () => client.serverFor(key)));
    expect(seen.size).toBeGreaterThan(1);
    await client.close();
  });
});
