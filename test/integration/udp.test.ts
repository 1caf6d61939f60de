import { uniqueKey } from '../helpers/keys';
import { startMemcached, stopAll, type MemcachedServer } from '../helpers/servers';
import { failure, sleep, stored, thrown, useClients } from './support';

const connect = useClients();
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached({ udp: true });
});
afterAll(stopAll);

describe('UDP', () => {
  it('writes, without knowing', async () => {
    const mc = connect(`udp:${server.address}`);
    const key = uniqueKey();
    expect(await mc.set(key, 'value')).toBe(true);
    for (let tries = 0; tries < 50 && (await stored(server, key)) === undefined; ++tries) await sleep(10);
    expect(await stored(server, key)).toEqual({ bytes: 'value', flags: 16 });
  });

  it('does not read: NotSupportedError', async () => {
    const mc = connect(`udp:${server.address}`, { timeout: 500 });
    const calls = [
      () => mc.get('key'),
      () => mc.gets('key'),
      () => mc.has('key'),
      () => mc.getMulti(['key']),
      () => mc.getStats(),
    ];
    for (const call of calls) {
      expect(await failure(call())).toMatchObject({
        name: 'NotSupportedError',
        code: 'ERR_MEMCACHED_NOTSUPPORTEDERROR',
      });
    }
  });

  it('is text: keys with blanks are refused', async () => {
    expect(await failure(connect(`udp:${server.address}`).set('a key', 1))).toMatchObject({ name: 'BadKeyProvided' });
  });

  it('cannot be binary', () => {
    const error = thrown(() => connect(`udp:${server.address}`, { binary: true }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/UDP.*binary/);
  });
});
