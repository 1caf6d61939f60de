// pylibmc's tests/test_cmemcached.py, which it has from cmemcached.

import { BadKeyProvided, Client } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

let server: MemcachedServer;

beforeAll(async () => {
  server = await startMemcached();
});

afterAll(stopAll);

describe.each([false, true])('with binary: %j', (binary) => {
  let mc: Client;

  beforeAll(() => {
    mc = new Client(server.address, { binary });
  });

  afterAll(() => mc.close());

  it('testSetAndGet', async () => {
    await mc.set('num12345', 12345);
    expect(await mc.get('num12345')).toBe(12345);
    await mc.set('str12345', '12345');
    expect(await mc.get('str12345')).toBe('12345');
  });

  it('testDelete', async () => {
    await mc.set('str12345', '12345');
    expect(await mc.delete('str12345')).toBe(true);
    expect(await mc.get('str12345')).toBeUndefined();
    // To pylibmc this is False, or the server's ClientError. Here such a key is not sent in text.
    if (!binary) await expect(mc.delete('hello world')).rejects.toBeInstanceOf(BadKeyProvided);
    else expect(await mc.delete('hello world')).toBe(false);
  });

  it('testGetMulti', async () => {
    await mc.set('a', 'valueA');
    await mc.set('b', 'valueB');
    await mc.set('c', 'valueC');
    const expected = { a: 'valueA', b: 'valueB', c: 'valueC' };
    expect(Object.fromEntries(await mc.getMulti(['a', 'b', 'c', 'd']))).toEqual(expected);
    // pylibmc leaves out keys that cannot be.
    await expect(mc.getMulti(['a', 'b', 'c', '', 'hello world'])).rejects.toBeInstanceOf(BadKeyProvided);
    if (!binary)
      await expect(mc.getMulti(['a', 'b', 'c', 'hello world'])).rejects.toMatchObject({ key: 'hello world' });
    else expect(Object.fromEntries(await mc.getMulti(['a', 'b', 'c', 'hello world']))).toEqual(expected);
  });

  it('testBigGetMulti', async () => {
    const entries = Array.from({ length: 1000 }, (_, i) => [`key${String(i)}`, `value${String(i)}`] as const);
    for (const [key, value] of entries) await mc.set(key, value);
    expect(await mc.getMulti(entries.map(([key]) => key))).toEqual(new Map(entries));
  });

  it('testFunnyDelete', async () => {
    await expect(mc.delete('')).rejects.toBeInstanceOf(BadKeyProvided);
  });

  it('testAppend', async () => {
    await mc.delete('a');
    await mc.set('a', Buffer.from('I '));
    expect(await mc.append('a', Buffer.from('Do'))).toBe(true);
    expect(await mc.get('a')).toEqual(Buffer.from('I Do'));
  });

  it('testPrepend', async () => {
    await mc.delete('a');
    await mc.set('a', Buffer.from('Do'));
    expect(await mc.prepend('a', Buffer.from('I '))).toBe(true);
    expect(await mc.get('a')).toEqual(Buffer.from('I Do'));
  });
});
