// autoDiscovery: the servers are those that a configuration endpoint names.

import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, SomeErrors, TimeoutError, type ClientOptions } from '../../lib/index';
import { failure, protocols, thrown, useClients } from '../support/clients';
import { ConfigurationEndpoint, type EndpointOptions } from '../support/configuration-endpoint';
import { until } from '../support/failover-clusters';
import { startRefusingPort } from '../support/fake-servers';
import { certificatePath, startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const connect = useClients();
let [a, b, c]: MemcachedServer[] = [];
const endpoints: ConfigurationEndpoint[] = [];
beforeAll(async () => {
  [a, b, c] = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
});
afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.stop()));
});
afterAll(stopAll);

async function startEndpoint(
  servers: readonly MemcachedServer[],
  options: EndpointOptions = {},
): Promise<ConfigurationEndpoint> {
  const endpoint = new ConfigurationEndpoint(servers, options);
  endpoints.push(endpoint);
  return endpoint.start();
}
const discovering = (interval = 100, options: ClientOptions = {}): ClientOptions => ({
  autoDiscovery: { interval },
  ...options,
});
const all = (): [MemcachedServer, MemcachedServer, MemcachedServer] => [a, b, c] as never;
const addresses = (servers: readonly MemcachedServer[]): string[] => servers.map(({ address }) => address);

describe.each(protocols)('binary: %s', (binary) => {
  it('is asked at the first use; placement is by the names in the list', async () => {
    const endpoint = await startEndpoint(all());
    const mc = connect(endpoint, { autoDiscovery: true, binary, behaviors: { ketama: true } });
    expect(mc.servers).toEqual([endpoint.address]);
    await sleep(30);
    expect(endpoint.questions).toEqual([]); // nothing was asked of the client
    const keys = Array.from({ length: 200 }, () => uniqueKey());
    expect(await Promise.all(keys.map((key) => mc.set(key, key)))).toEqual(keys.map(() => true));
    expect(endpoint.questions).toEqual(['config get cluster']);
    expect(mc.servers).toEqual(addresses(all()));
    const plain = connect(all(), { binary, behaviors: { ketama: true } });
    expect((await plain.getMulti(keys)).size).toBe(200);
    expect(keys.map((key) => mc.serverFor(key))).toEqual(keys.map((key) => plain.serverFor(key)));
    expect(mc.metrics().servers.map(({ server }) => server)).toEqual(addresses(all()));
  });

  it('one added and one removed under load: no failure, and keys of those that stay are there', async () => {
    const [first, second, third] = all();
    const endpoint = await startEndpoint([first, second]);
    const mc = connect(endpoint, discovering(100, { binary, behaviors: { ketama: true } }));
    const key = uniqueKey();
    let isOver = false;
    let operations = 0;
    const load = Array.from({ length: 20 }, async (_, worker) => {
      for (let index = 0; !isOver; ++index) {
        await mc.set(`${key}:${String(worker)}:${String(index % 50)}`, index);
        ++operations;
      }
    });
    await until(() => operations > 500);
    endpoint.change([first, second, third]);
    await until(() => mc.servers.length === 3);
    endpoint.change([second, third]);
    await until(() => mc.servers.length === 2);
    isOver = true;
    await Promise.all(load);
    expect(mc.servers).toEqual(addresses([second, third]));
    expect(mc.metrics().servers).toMatchObject([
      { state: 'up', errors: 0 },
      { state: 'up', errors: 0 },
    ]);
  });
});

it('the older command, for a service that does not know the newer one', async () => {
  const endpoint = await startEndpoint(all(), { isOld: true });
  const mc = connect(endpoint, { autoDiscovery: true });
  expect(await mc.set(uniqueKey(), 1)).toBe(true);
  expect(endpoint.questions).toEqual(['config get cluster', 'get AmazonElastiCache:cluster']);
  expect(mc.servers).toHaveLength(3);
});

it('a list of an older version, and of the same one, changes nothing', async () => {
  const [first, second] = all();
  const endpoint = await startEndpoint([first, second]);
  endpoint.version = 7;
  const mc = connect(endpoint, discovering());
  await mc.set(uniqueKey(), 1);
  for (const version of [7, 6]) {
    endpoint.change([first]);
    endpoint.version = version;
    const asked = endpoint.questions.length;
    await until(() => endpoint.questions.length > asked + 1);
    expect(mc.servers).toEqual(addresses([first, second]));
  }
  endpoint.version = 8;
  await until(() => mc.servers.length === 1);
});

it('while the endpoint is down, silent or talks nonsense the last list stays in use, and failures are published', async () => {
  const endpoint = await startEndpoint(all());
  const mc = connect(endpoint, discovering(100, { timeout: 300 }));
  const failures: string[] = [];
  const listener = (message: unknown): void => {
    failures.push((message as { error: Error }).error.message);
  };
  diagnostics.subscribe('libmemcached:failure', listener);
  const key = uniqueKey();
  await mc.set(key, 1);
  const isReported = async (pattern: RegExp): Promise<void> => {
    failures.length = 0;
    await until(() => failures.some((message) => pattern.test(message)));
    expect(await mc.get(key)).toBe(1);
    expect(mc.servers).toEqual(addresses(all()));
  };
  await endpoint.stop();
  await isReported(/discovery at 127\.0\.0\.1:\d+: .*(ECONNREFUSED|ECONNRESET)/);
  await endpoint.start();
  for (const nonsense of [
    'END\r\n',
    'CONFIG cluster 0 5\r\n12\n',
    'CONFIG cluster 0 4\r\n99\n\n\r\nEND\r\n',
    'CONFIG cluster 0 14\r\n99\nhost|x|1 | |\n\r\nEND\r\n',
    'CONFIG cluster 0 12\r\n99\na b|1.2|70\n\r\nEND\r\n',
    'SERVER_ERROR out of order\r\n',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
  ]) {
    endpoint.nonsense = nonsense;
    await isReported(/discovery at/);
  }
  endpoint.nonsense = undefined;
  endpoint.isSilent = true;
  await isReported(/no answer within 300 ms/);
  endpoint.isSilent = false;
  endpoint.change([all()[0]]);
  await until(() => mc.servers.length === 1);
  diagnostics.unsubscribe('libmemcached:failure', listener);
});

describe('no list yet', () => {
  it('operations reject with what is wrong; the next ones ask again', async () => {
    const { port, address } = await startRefusingPort();
    const mc = connect(address, { autoDiscovery: true });
    for (const call of [() => mc.set('key', 1), () => mc.get('key'), () => mc.version(), () => mc.getStats()]) {
      const error = await failure(call());
      expect(error).toMatchObject({ name: 'ConnectionError', server: address, outcomeUnknown: false });
      expect(error.message).toMatch(/discovery at .*ECONNREFUSED/);
    }
    const endpoint = new ConfigurationEndpoint(all(), {});
    endpoint.port = port;
    endpoints.push(await endpoint.start());
    await until(async () => (await mc.set(uniqueKey(), 1).catch(() => undefined)) ?? false);
    expect(mc.servers).toHaveLength(3);
  });

  it('a memcached that is no endpoint', async () => {
    const error = await failure(connect(all()[0], { autoDiscovery: true }).get('key'));
    expect(error.message).toMatch(/not a configuration endpoint/);
  });

  it('a silent endpoint: everything settles in time', async () => {
    const endpoint = await startEndpoint(all());
    endpoint.isSilent = true;
    const mc = connect(endpoint, { autoDiscovery: true, timeout: 400 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const calls = [
      mc.get('key', undefined, { timeout: 100 }),
      mc.version({ timeout: 100 }),
      mc.version({ signal: controller.signal }),
      mc.get('key', undefined, { signal: controller.signal }),
      mc.connect({ timeout: 100 }),
    ];
    const errors = Promise.all(calls.map((call) => failure(call)));
    controller.abort(reason);
    const [get, version, aborted, abortedGet, connecting] = await errors;
    for (const error of [get, version, connecting]) expect(error).toBeInstanceOf(TimeoutError);
    for (const error of [aborted, abortedGet]) expect(error).toBe(reason);
    expect(mc.metrics().pending).toBe(0);
  });

  it('failSoft: misses', async () => {
    const { address } = await startRefusingPort();
    const mc = connect(address, { autoDiscovery: true, failSoft: true });
    expect(await mc.get('key')).toBeUndefined();
    expect(await mc.set('key', 1)).toBe(false);
  });
});

it('connect() discovers, and names the endpoint if it cannot', async () => {
  const endpoint = await startEndpoint(all());
  const mc = connect(endpoint, { autoDiscovery: true });
  await mc.connect();
  expect(mc.servers).toEqual(addresses(all()));
  const { address } = await startRefusingPort();
  const error = (await failure(connect(address, { autoDiscovery: true }).connect())) as {
    errors?: Map<string, unknown>;
  };
  expect(error).toBeInstanceOf(SomeErrors);
  expect([...(error.errors?.keys() ?? [])]).toEqual([address]);
});

it('operations on all servers wait for the list', async () => {
  const endpoint = await startEndpoint(all());
  const make = (): Client => connect(endpoint, { autoDiscovery: true });
  expect([...(await make().version()).keys()]).toEqual(addresses(all()));
  expect((await make().getStats()).map(([name]) => name)).toEqual(
    addresses(all()).map((address, index) => `${address} (${String(index)})`),
  );
  expect(await make().flushAll()).toBe(true);
});

it('over TLS, if the rest is', async () => {
  const ca = readFileSync(certificatePath('authority.pem'), 'utf8');
  const secure = await Promise.all([startMemcached({ tls: {} }), startMemcached({ tls: {} })]);
  const endpoint = await startEndpoint(secure, { isTls: true });
  const mc = connect(endpoint, { autoDiscovery: true, tls: { ca } });
  expect(await mc.set(uniqueKey(), 1)).toBe(true);
  expect(mc.servers).toEqual(addresses(secure));
  const error = await failure(connect(endpoint, { autoDiscovery: true, tls: true }).set('key', 1));
  expect(error.message).toMatch(/discovery at .*certificate is not trusted/);
  await Promise.all(secure.map((server) => server.stop()));
});

describe('life', () => {
  it('a clone discovers by itself', async () => {
    const endpoint = await startEndpoint(all());
    const mc = connect(endpoint, { autoDiscovery: true });
    await mc.connect();
    const copy = mc.clone();
    expect(copy.servers).toEqual([endpoint.address]);
    await copy.set(uniqueKey(), 1);
    expect(copy.servers).toEqual(addresses(all()));
    expect(endpoint.questions).toHaveLength(2);
    copy.destroy();
  });

  it('a client that is closed asks no longer, and one that is closed while it asks lets operations finish', async () => {
    const endpoint = await startEndpoint(all());
    const mc = connect(endpoint, discovering());
    const pending = [mc.set(uniqueKey(), 1), mc.version().then(({ size }) => size)];
    await mc.close();
    expect(await Promise.all(pending)).toEqual([true, 3]);
    const asked = endpoint.questions.length;
    await sleep(250);
    expect(endpoint.questions).toHaveLength(asked);
  });

  it('destroyed while it asks: everything rejects with ClientClosed', async () => {
    const endpoint = await startEndpoint(all());
    endpoint.isSilent = true;
    const mc = connect(endpoint, { autoDiscovery: true });
    const errors = [mc.get('key'), mc.set('key', 1), mc.version()].map((call) => failure(call));
    await until(() => endpoint.questions.length > 0);
    mc.destroy();
    for (const error of await Promise.all(errors)) expect(error.name).toBe('ClientClosed');
  });
});

describe('options', () => {
  it.each<[name: string, servers: string, options: Record<string, unknown>, message: RegExp]>([
    ['several addresses', 'a,b', { autoDiscovery: true }, /autoDiscovery.* one server.* not 2/],
    ['UDP', 'udp:a', { autoDiscovery: true }, /autoDiscovery.*UDP/],
    ['a Unix socket', '/tmp/a', { autoDiscovery: true }, /autoDiscovery.*Unix/],
    ['a number', 'a', { autoDiscovery: 1 }, /autoDiscovery/],
    ['an unknown option', 'a', { autoDiscovery: { every: 1 } }, /every/],
    ['a string for the interval', 'a', { autoDiscovery: { interval: '1' } }, /autoDiscovery\.interval/],
  ])('%s: a TypeError', (_name, servers, options, message) => {
    const error = thrown(() => new Client(servers, options));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
  });

  it('an interval that is too short: a RangeError', () => {
    expect(thrown(() => new Client('a', { autoDiscovery: { interval: 99 } }))).toBeInstanceOf(RangeError);
  });

  it('setServers is refused', () => {
    const mc = connect('127.0.0.1', { autoDiscovery: true });
    expect(() => {
      mc.setServers('b');
    }).toThrow(/autoDiscovery/);
  });
});
