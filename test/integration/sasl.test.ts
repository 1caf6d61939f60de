import { uniqueKey } from '../helpers/keys';
import { startMemcached, stopAll, type MemcachedServer } from '../helpers/servers';
import { failure, thrown, useClients } from './support';

const connect = useClients();
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached({ sasl: { users: { alice: 'secret', bob: 'pass wörd' } } });
});
afterAll(stopAll);

const refused = { name: 'AuthenticationError', code: 'ERR_MEMCACHED_AUTHENTICATIONERROR' };

describe('right credentials', () => {
  it.each([undefined, true, 'auto'] as const)('work, and make it binary (binary: %s)', async (binary) => {
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

  it('work for several connections, clients and clones', async () => {
    const mc = connect(server, { username: 'bob', password: 'pass wörd', connections: 4 });
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

describe('no credentials', () => {
  it.each([true, 'auto'] as const)('reject, and are not taken for misses (binary: %s)', async (binary) => {
    const mc = connect(server, { binary });
    for (const call of [() => mc.get('key'), () => mc.set('key', 1), () => mc.getMulti(['key']), () => mc.has('key')]) {
      expect(await failure(call())).toMatchObject({ ...refused, server: server.address });
    }
  });

  it('in text: an error, not a miss', async () => {
    const mc = connect(server, { binary: false, timeout: 500 });
    expect(String((await failure(mc.get('key'))).code)).toMatch(/^ERR_MEMCACHED_/);
  });
});

describe('credentials where none are wanted', () => {
  it('are an error that names the server, not a miss', async () => {
    const plain = await startMemcached();
    const mc = connect(plain, { username: 'alice', password: 'secret' });
    for (const call of [() => mc.get('key'), () => mc.set('key', 1)]) {
      const error = await failure(call());
      expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
      expect(error).toMatchObject({ server: plain.address, outcomeUnknown: false });
    }
  });
});

describe('are refused at once', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['with binary: false', { username: 'a', password: 'b', binary: false }, /binary/],
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
