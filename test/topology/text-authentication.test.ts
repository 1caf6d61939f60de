// memcached's text authentication (-Y): sent first on every connection.

import { failure, thrown, useClients } from '../support/clients';
import { until } from '../support/failover-clusters';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { Client } from '../../lib/index';

const connect = useClients();
const credentials = { username: 'alice', password: 'secret' };
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached({ textAuthentication: { users: { alice: 'secret' } } });
});
afterAll(stopAll);

it('right credentials', async () => {
  const mc = connect(server, { binary: false, ...credentials });
  expect(await mc.set('key', 'value')).toBe(true);
  expect(await mc.get('key')).toBe('value');
  await mc.disconnectAll();
  expect(await mc.get('key')).toBe('value');
  expect(await mc.clone().get('key')).toBe('value');
});

it.each([
  ['a wrong password', { binary: false, username: 'alice', password: 'wrong' }],
  ['an unknown user', { binary: false, username: 'mallory', password: 'secret' }],
  ['no credentials', { binary: false }],
])('%s: AuthenticationError, and the server counts as up', async (_name, options) => {
  const mc = connect(server, options);
  for (const call of [() => mc.get('key'), () => mc.set('key', 1), () => mc.version()]) {
    const error = await failure(call());
    expect(error).toMatchObject({ name: 'AuthenticationError', outcomeUnknown: false });
    expect(error.message).not.toMatch(/secret|wrong/);
  }
  expect(mc.metrics().servers[0]?.state).toBe('up');
});

it('reconnects', async () => {
  const own = await startMemcached({ textAuthentication: { users: { alice: 'secret' } } });
  const mc = connect(own, { binary: false, ...credentials, behaviors: { retry_timeout: 0 } });
  await mc.set('key', 1);
  await own.restart();
  await until(async () => await mc.set('key', 2).catch(() => false));
  expect(await mc.get('key')).toBe(2);
  await own.stop();
});

it('a server that knows nothing of it does not keep the credentials', async () => {
  const plain = await startMemcached();
  const mc = connect(plain, { binary: false, ...credentials });
  expect(await mc.set('key', 1)).toBe(true);
  const [[, stats] = ['', {} as Record<string, string>]] = await connect(plain).getStats();
  expect(stats.curr_items).toBe('1');
  await plain.stop();
});

it.each([
  ['username', { username: 'a b', password: 'c' }],
  ['password', { username: 'a', password: 'b c' }],
])('a %s with a space is refused: memcached would not find it', (name, options) => {
  const error = thrown(() => new Client('127.0.0.1', { binary: false, ...options }));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(name);
});
