// Logging in again and again: after restarts, over new connections, in many worker threads, to several servers.

import type { Client } from '../../lib/index';
import { timed, until } from '../support/failover-clusters';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll } from '../support/memcached-servers';
import { expectEnd, run } from '../support/life-cycle-programs';
import { failure, useClients } from '../support/clients';

const connect = useClients();
const credentials = { username: 'alice', password: 'secret' };
const start = () => startMemcached({ sasl: { users: { alice: 'secret' } } });
afterEach(stopAll);

const statsOf = async (mc: Client): Promise<Record<string, string>> => (await mc.getStats())[0]?.[1] ?? {};

it('counters that come in numbers need one connection, which logs in once', async () => {
  const mc = connect(await start(), credentials);
  const key = uniqueKey();
  await mc.set(key, 0);
  const counts = await Promise.all(Array.from({ length: 200 }, () => mc.incr(key)));
  expect(counts).toEqual(counts.map((_count, index) => index + 1));
  expect(await statsOf(mc)).toMatchObject({ auth_cmds: '1', auth_errors: '0' });
});

it('each connection logs in once', async () => {
  const mc = connect(await start(), credentials);
  const keys = Array.from({ length: 100 }, () => uniqueKey());
  for (let round = 0; round < 3; ++round) {
    await mc.setMulti(keys.map((key) => [key, round] as const));
    expect((await mc.getMulti(keys)).size).toBe(100);
    expect(await statsOf(mc)).toMatchObject({ auth_cmds: String(round + 1), auth_errors: '0' });
    await mc.disconnectAll();
  }
});

it('a change of behaviors, which connects anew, logs in anew', async () => {
  const mc = connect(await start(), credentials);
  const key = uniqueKey();
  for (const tcp_keepalive of [true, false]) {
    mc.behaviors.tcp_keepalive = tcp_keepalive;
    await mc.set(key, 1);
    expect(await mc.get(key)).toBe(1);
  }
});

it('restarts under load: everything settles, nothing is a made-up miss, and then it works', async () => {
  const server = await start();
  const mc = connect(server, { ...credentials, timeout: 1000, behaviors: { retry_timeout: 0 } });
  const keys = Array.from({ length: 20 }, () => uniqueKey());
  let isOver = false;
  const outcomes = new Set<string>();
  const load = keys.map(async (key) => {
    while (!isOver) {
      const written = await timed(mc.set(key, key));
      outcomes.add(written.outcome);
      const read = await timed(mc.get(key));
      outcomes.add(read.outcome);
      // The server forgets when it is restarted; it says nothing else.
      if (read.outcome === 'ok') expect([key, undefined]).toContain(read.value);
    }
  });
  for (let round = 0; round < 4; ++round) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.kill();
    await server.restart();
    await until(async () => (await timed(mc.get('any'))).outcome === 'ok');
  }
  isOver = true;
  await Promise.all(load);
  expect(outcomes).not.toContain('AuthenticationError');
  expect(await mc.setMulti(keys.map((key) => [key, key] as const))).toEqual([]);
  expect(await mc.getMulti(keys)).toEqual(new Map(keys.map((key) => [key, key])));
});

it('wrong credentials stay wrong after a restart', async () => {
  const server = await start();
  const mc = connect(server, { ...credentials, password: 'wrong', behaviors: { retry_timeout: 0 } });
  expect((await failure(mc.get('key'))).name).toBe('AuthenticationError');
  await server.kill();
  expect((await failure(mc.get('key'))).name).toBe('ConnectionError');
  await server.restart();
  await until(async () => (await timed(mc.get('key'))).outcome === 'AuthenticationError');
});

it('of several servers one refuses: its keys reject, the others work', async () => {
  const servers = await Promise.all([start(), start(), startMemcached({ sasl: { users: { alice: 'another' } } })]);
  const mc = connect(servers, { ...credentials, behaviors: { ketama: true } });
  const keys = Array.from({ length: 60 }, () => uniqueKey());
  const refusing = servers[2].address;
  const refused = keys.filter((key) => mc.serverFor(key) === refusing);
  expect(refused.length).toBeGreaterThan(0);
  expect((await mc.setMulti(keys.map((key) => [key, key] as const))).sort()).toEqual([...refused].sort());
  const error = await failure(mc.getMulti(keys));
  expect(error).toMatchObject({ name: 'AuthenticationError', server: refusing });
  expect((error.values as Map<string, unknown>).size).toBe(keys.length - refused.length);
  expect([...(error.failedKeys as string[])].sort()).toEqual([...refused].sort());
  expect(mc.explain(refused[0] ?? '').serverState).toBe('up'); // it answers
});

it('a clone has the credentials, and connections of its own', async () => {
  const mc = connect(await start(), credentials);
  const key = uniqueKey();
  await mc.set(key, 1);
  const copy = mc.clone();
  await mc.close();
  expect(await copy.get(key)).toBe(1);
  await copy.close();
});

it('over IPv6', async () => {
  const server = await startMemcached({ transport: 'tcp6', sasl: { users: { alice: 'secret' } } });
  expect(await connect(server, credentials).set('key', 1)).toBe(true);
  const wrong = connect(server, { ...credentials, password: 'wrong' });
  expect(await failure(wrong.get('key'))).toMatchObject({ name: 'AuthenticationError', server: server.address });
});

it('many clients in many worker threads, with right and with wrong passwords', async () => {
  const server = await start();
  const ended = await run('credentials', [server.address, 'alice', 'secret', '7']);
  const each = JSON.stringify({ AuthenticationError: 20, right: 40 });
  expectEnd(
    ended,
    0,
    Array.from({ length: 8 }, () => each),
  );
});
