import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { startHttpServer } from '../support/fake-servers';
import { failure, thrown, useClients } from '../support/clients';

const connect = useClients();
let server: MemcachedServer;
let plain: MemcachedServer;
beforeAll(async () => {
  plain = await startMemcached();
  server = await startMemcached({ sasl: { users: { alice: 'secret', bob: 'pass wörd' } } });
});
afterAll(stopAll);

const refused = { name: 'AuthenticationError', code: 'ERR_MEMCACHED_AUTHENTICATION' };

describe('right credentials', () => {
  it.each([undefined, true])('work, and make it binary (binary: %s)', async (binary) => {
    const mc = connect(server, { username: 'alice', password: 'secret', ...(binary === undefined ? {} : { binary }) });
    const key = uniqueKey('with blank ');
    expect(await mc.set(key, 'value')).toBe(true);
    expect(await mc.get(key)).toBe('value');
    expect(await mc.getMulti([key])).toEqual(new Map([[key, 'value']]));
    expect(await mc.incr(uniqueKey(), 1, { initial: 5 })).toBe(5);
    expect((await mc.version()).size).toBe(1);
    await mc.disconnectAll();
    expect(await mc.get(key)).toBe('value');
  });

  it('work for several clients and clones', async () => {
    const mc = connect(server, { username: 'bob', password: 'pass wörd' });
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    expect(await mc.setMulti(keys.map((key) => [key, key] as const))).toEqual([]);
    const copy = mc.clone();
    expect((await copy.getMulti(keys)).size).toBe(100);
    await copy.close();
  });

  it('work again after the server was restarted', async () => {
    const own = await startMemcached({ sasl: { users: { carol: 'secret' } } });
    const mc = connect(own, { username: 'carol', password: 'secret', behaviors: { retry_timeout: 0 } });
    await mc.set('key', 1);
    await own.restart();
    await mc.get('key').catch(() => undefined);
    await mc.set('key', 2);
    expect(await mc.get('key')).toBe(2);
    await own.stop();
  });
});

describe('wrong credentials', () => {
  it.each([
    ['a wrong password', 'alice', 'wrong'],
    ['an empty password', 'alice', ''],
    ['an unknown user', 'mallory', 'secret'],
    ["another user's password", 'alice', 'pass wörd'],
  ])('reject every operation: %s', async (_name, username, password) => {
    const mc = connect(server, { username, password });
    for (const call of [() => mc.get('key'), () => mc.set('key', 1), () => mc.getMulti(['key']), () => mc.version()]) {
      const error = await failure(call());
      expect(error).toMatchObject({ ...refused, server: server.address, outcomeUnknown: false });
      expect(error.message).not.toContain(password === '' ? '\0' : password);
    }
  });

  it('do not disturb those who have the right ones', async () => {
    const [wrong, right] = [
      connect(server, { username: 'alice', password: 'wrong' }),
      connect(server, { username: 'alice', password: 'secret' }),
    ];
    const key = uniqueKey();
    const [error, stored] = await Promise.all([failure(wrong.set(key, 'wrong')), right.set(key, 'right')]);
    expect([error.name, stored, await right.get(key)]).toEqual(['AuthenticationError', true, 'right']);
  });
});

const everyKind: [string, (mc: Client) => Promise<unknown>][] = [
  ['get', (mc) => mc.get('key')],
  ['has', (mc) => mc.has('key')],
  ['getMulti', (mc) => mc.getMulti(['key', 'other'])],
  ['set', (mc) => mc.set('key', 1)],
  ['add', (mc) => mc.add('key', 1)],
  ['cas', (mc) => mc.cas('key', 1, 1n)],
  ['append', (mc) => mc.append('key', 'data')],
  ['incr', (mc) => mc.incr('key')],
  ['incr with initial', (mc) => mc.incr('key', 1, { initial: 1 })],
  ['delete', (mc) => mc.delete('key')],
  ['touch', (mc) => mc.touch('key', 0)],
  ['flushAll', (mc) => mc.flushAll()],
  ['getStats', (mc) => mc.getStats()],
];

describe('no credentials', () => {
  it.each(everyKind)('%s rejects: that is no miss', async (_name, call) => {
    const mc = connect(server, { binary: true });
    for (let round = 0; round < 3; ++round)
      expect(await failure(call(mc))).toMatchObject({ ...refused, server: server.address, outcomeUnknown: false });
  });

  it('many at once reject, too', async () => {
    const mc = connect(server, { binary: true });
    const errors = await Promise.all(everyKind.flatMap(([, call]) => [failure(call(mc)), failure(call(mc))]));
    expect(new Set(errors.map(({ name }) => name))).toEqual(new Set(['AuthenticationError']));
  });

  it('an outage it is not: failSoft does not hide it', async () => {
    const mc = connect(server, { binary: true, failSoft: true });
    for (const call of [() => mc.get('key'), () => mc.set('key', 1), () => mc.getMulti(['key'])])
      expect(await failure(call())).toMatchObject(refused);
  });

  it('in text: the server waits for binary requests, and ours for its answer', async () => {
    const mc = connect(server, { binary: false, timeout: 300 });
    expect(await failure(mc.get('key'))).toMatchObject({ name: 'TimeoutError', outcomeUnknown: false });
  });
});

describe('over a Unix socket', () => {
  it('works as over TCP', async () => {
    const own = await startMemcached({ transport: 'unix', sasl: { users: { alice: 'secret' } } });
    const mc = connect(own, { username: 'alice', password: 'secret' });
    await mc.set('key', 1);
    expect(await mc.get('key')).toBe(1);
    for (const options of [{ username: 'alice', password: 'wrong' }, { binary: true }]) {
      const stranger = connect(own, options);
      for (const [, call] of everyKind)
        expect(await failure(call(stranger))).toMatchObject({ ...refused, server: own.address, outcomeUnknown: false });
    }
    await own.stop();
  });
});

describe('credentials where none are wanted', () => {
  it.each(everyKind)('%s: an AuthenticationError that says so', async (_name, call) => {
    const mc = connect(plain, { username: 'alice', password: 'secret' });
    for (let round = 0; round < 2; ++round) {
      const error = await failure(call(mc));
      expect(error).toMatchObject({ ...refused, server: plain.address, outcomeUnknown: false });
      expect(error.message).toContain('server does not support SASL');
      expect(error.message).not.toMatch(/alice|secret/);
    }
  });

  it('what is no memcached is no AuthenticationError', async () => {
    const http = await startHttpServer();
    const mc = connect(http, { username: 'alice', password: 'secret', timeout: 1000 });
    expect((await failure(mc.get('key'))).name).toBe('UnknownReadFailure');
    await http.stop();
  });
});

describe('are refused at once', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['without a password', { username: 'a' }, /password/],
    ['without a username', { password: 'b' }, /username/],
    ['with a username that is no string', { username: 5, password: 'b' }, /username.*number/],
    ['with a password that is no string', { username: 'a', password: null }, /password.*null/],
    ['with an empty username', { username: '', password: 'b' }, /username/],
    ['with a zero byte', { username: 'a', password: 'b\0c' }, /password/],
  ])('%s', (_name, options, message) => {
    const error = thrown(() => connect(server, options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
  });

  it('over UDP', () => {
    expect(thrown(() => connect('udp:127.0.0.1', { username: 'a', password: 'b' }))).toBeInstanceOf(TypeError);
  });
});
