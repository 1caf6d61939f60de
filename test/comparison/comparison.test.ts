// docs/comparison.md says what each client can do: here each of them tries it.

import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../../lib/index';
import { ConfigurationEndpoint } from '../support/configuration-endpoint';
import { root } from '../support/documentation-samples';
import { certificatePath, startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { rawCommand } from '../support/raw-command';

const names = ['libmemcached', 'memcached', 'memjs', 'memcache-client', 'memcache'];
const credentials = { username: 'alice', password: 'secret' };
const users = { [credentials.username]: credentials.password };

interface Places {
  servers: Record<string, MemcachedServer>;
  cluster: MemcachedServer[];
}

/** What a client's process may ask for. */
function commands({ servers, cluster }: Places): Record<string, (...args: never[]) => unknown> {
  const { hanging, dying } = servers as { hanging: MemcachedServer; dying: MemcachedServer };
  const firstLine = async (server: MemcachedServer, command: string): Promise<string> =>
    ((await rawCommand(server, `${command}\r\n`)).split('\r\n')[0] as string).trim();
  return {
    raw: (place: string | number, command: string) =>
      firstLine((typeof place === 'number' ? cluster[place] : servers[place]) as MemcachedServer, command),
    count: async (place: number) =>
      /STAT curr_items (\d+)/.exec(await rawCommand(cluster[place] as MemcachedServer, 'stats\r\n'))?.[1],
    async arePlaced(keys: string[]) {
      const addresses = cluster.map(({ address }) => address);
      for (const behaviors of [{ ketama: true }, { ketama_weighted: true }]) {
        const client = new Client(addresses, { behaviors });
        const found = await Promise.all(
          keys.map((key) => {
            const { server: address } = client.explain(key);
            return firstLine(cluster.find((server) => server.address === address) as MemcachedServer, `mg ${key}`);
          }),
        );
        client.destroy();
        if (found.every((answer) => answer === 'HD')) return true;
      }
      return false;
    },
    suspend: () => {
      hanging.suspend();
    },
    resume: () => {
      hanging.resume();
    },
    suspendDying: () => {
      dying.suspend();
    },
    restart: () => dying.restart(),
    kill: (place: number) => (cluster[place] as MemcachedServer).kill(),
  };
}

const endpoints: ConfigurationEndpoint[] = [];

async function probe(name: string, expected: Record<string, string | undefined>): Promise<Record<string, string>> {
  const kinds = {
    one: {},
    hanging: {},
    dying: {},
    tls: { tls: {} },
    sasl: { sasl: { users } },
    textAuthentication: { textAuthentication: { users } },
    unix: { transport: 'unix' },
    tcp6: { transport: 'tcp6' },
  } as const;
  const started = Object.entries(kinds).map(async ([kind, options]) => [kind, await startMemcached(options)] as const);
  const servers = Object.fromEntries(await Promise.all(started)) as Record<string, MemcachedServer>;
  const cluster = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
  const endpoint = await new ConfigurationEndpoint(cluster, {}).start();
  endpoints.push(endpoint);
  const places = {
    servers: Object.fromEntries(Object.entries(servers).map(([kind, { address }]) => [kind, address])),
    cluster: cluster.map(({ address }) => address),
    discovery: endpoint.address,
    authority: certificatePath('authority.pem'),
    credentials,
    expected,
  };
  const program = join(__dirname, 'probe-client.mjs');
  const env = { PATH: process.env.PATH, VERBOSE: process.env.VERBOSE, PLACES: JSON.stringify(places) };
  const child = fork(program, [name], { env, cwd: root, execArgv: [] });
  const known = commands({ servers, cluster });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => {
      reject(new Error(`the process with ${name} ended with ${String(status)}`));
    });
    child.on('message', (message: { results?: Record<string, string>; command: string; args: never[] }) => {
      if (message.results) {
        resolve(message.results);
        return;
      }
      void (async () => child.send({ answer: await known[message.command]?.(...message.args) }))();
    });
  });
}

/** The rows of the page's tables, by section and first cell. */
function shown(): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(join(root, 'docs/comparison.md'), 'utf8').split('\n')) {
    if (line.startsWith('### ')) section = line.slice(4);
    if (!line.startsWith('| ') || section === '') continue;
    const [name, ...cells] = line.split('|').slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
    rows.set(`${section}: ${name ?? ''}`, cells);
  }
  return rows;
}

const rows = shown();
const results = new Map<string, Record<string, string>>();
beforeAll(async () => {
  const probeAll = names.map(async (name, column) => {
    const expected = Object.fromEntries([...rows].map(([feature, cells]) => [feature, cells[column]]));
    results.set(name, await probe(name, expected));
  });
  await Promise.all(probeAll);
}, 120_000);
afterAll(async () => {
  for (const endpoint of endpoints) await endpoint.stop();
  await stopAll();
});

it('says what the clients do', () => {
  const features = Object.keys(results.get('libmemcached') ?? {});
  expect(features.length).toBeGreaterThan(20);
  const tried = features.map((feature) => [feature, ...names.map((name) => results.get(name)?.[feature])]);
  expect(features.map((feature) => [feature, ...(rows.get(feature) ?? [])])).toEqual(tried);
});

it('is about the versions that are installed', () => {
  const page = readFileSync(join(root, 'docs/comparison.md'), 'utf8');
  for (const name of names.slice(1)) {
    const { version } = JSON.parse(readFileSync(join(root, `node_modules/${name}/package.json`), 'utf8')) as {
      version: string;
    };
    expect(page).toContain(`${name} ${version}`);
  }
});
