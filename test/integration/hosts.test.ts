import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { failure, protocols, useClients } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();
let server: MemcachedServer;
let server6: MemcachedServer;
beforeAll(async () => {
  [server, server6] = await Promise.all([startMemcached(), startMemcached({ transport: 'tcp6' })]);
});
afterAll(stopAll);

describe.each(protocols)('binary: %s', (binary) => {
  it('a host name is looked up', async () => {
    const name = `localhost:${server.port}`;
    const mc = connect(name, { binary });
    const key = uniqueKey();
    await mc.set(key, 'value');
    expect(await mc.get(key)).toBe('value');
    expect(mc.serverFor(key)).toBe(name);
    expect([...(await mc.version()).keys()]).toEqual([name]);
    expect((await mc.getStats())[0]?.[0]).toBe(`${name} (0)`);
  });

  it('a weight does not get in the way', async () => {
    const mc = connect([`127.0.0.1:${server.port}:5`, `[::1]:${server6.port}:2`], { binary });
    const keys = Array.from({ length: 50 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 1] as const));
    expect((await mc.getMulti(keys)).size).toBe(50);
    expect(new Set(keys.map((key) => mc.serverFor(key)))).toEqual(new Set([server.address, server6.address]));
  });

  it('a name that does not exist: an error that says so, in time', async () => {
    const mc = connect('no-such-host.invalid:11211', { binary, timeout: 3000 });
    const start = Date.now();
    const error = await failure(mc.get('key'));
    expect(Date.now() - start).toBeLessThan(3400);
    expect(['HostLookupError', 'TimeoutError']).toContain(error.name);
    expect(error).toMatchObject({ operation: 'get', key: 'key' });
    if (error.name === 'HostLookupError') expect(error.server).toBe('no-such-host.invalid:11211');
  });
});

it('a socket that is not there is an error, at once', async () => {
  const path = '/tmp/no-such-folder/memcached.sock';
  for (const binary of protocols) {
    const error = await failure(connect(path, { binary }).set('key', 1));
    expect(error).toMatchObject({ operation: 'set', key: 'key', server: path, outcomeUnknown: false });
    expect(error.message).toContain(path);
    expect(['ConnectionError', 'UnixSocketError']).toContain(error.name);
  }
});
