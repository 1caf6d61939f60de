// The example in the docstring of pylibmc's __init__.py, and what that module exports.

import * as libmemcached from '../../lib/index';
import { buildInfo, Client, libmemcachedVersion, supportCompression, supportSasl, version } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

let server: MemcachedServer;

beforeAll(async () => {
  server = await startMemcached();
});

afterAll(stopAll);

describe('the example', () => {
  let mc: Client;

  beforeAll(() => {
    const m = new Client(['10.0.0.1'], { binary: true });
    m.behaviors = { tcp_nodelay: true, ketama: true };
    expect(m.behaviors).toMatchObject({ tcp_nodelay: true, ketama: true, distribution: 'consistent ketama' });
    // Behaviors that were read configure another client.
    mc = new Client(server.address, { behaviors: m.behaviors });
    expect({ ...mc.behaviors }).toEqual({ ...m.behaviors });
    m.destroy();
  });

  afterAll(() => mc.close());

  it('basic operation', async () => {
    expect(await mc.set('some_key', 'Some value')).toBe(true);
    expect(await mc.get('some_key')).toBe('Some value');
    expect(await mc.set('another_key', 3)).toBe(true);
    expect(await mc.delete('another_key')).toBe(true);
    expect(await mc.set('key', Buffer.from('1'))).toBe(true);
  });

  it('atomic increments and decrements', async () => {
    expect(await mc.incr('key')).toBe(2);
    expect(await mc.decr('key')).toBe(1);
  });

  it('batch operation', async () => {
    const getMulti = async (keys: string[]): Promise<Record<string, unknown>> =>
      Object.fromEntries(await mc.getMulti(keys));
    expect(await getMulti(['key', 'another_key'])).toEqual({ key: Buffer.from('1') });
    const pets = { cats: ['on acid', 'furry'], dogs: true };
    expect(await mc.setMulti(pets)).toEqual([]);
    expect(await getMulti(['cats', 'dogs'])).toEqual(pets);
    expect(await mc.deleteMulti(['cats', 'dogs', 'nonextant'])).toBe(false);
    expect(await mc.addMulti(pets)).toEqual([]);
    expect(await getMulti(['cats', 'dogs'])).toEqual(pets);
    const others = { cats: 'not set', dogs: 'definitely not set', bacon: 'yummy' };
    expect((await mc.addMulti(others)).sort()).toEqual(['cats', 'dogs']);
    expect(await getMulti(['cats', 'dogs', 'bacon'])).toEqual({ ...pets, bacon: 'yummy' });
    expect(await mc.deleteMulti(['cats', 'dogs', 'bacon'])).toBe(true);
  });
});

it('build_info', () => {
  expect(buildInfo()).toContain(
    `libmemcached ${version} for libmemcached ${libmemcachedVersion} ` +
      `(compression=${String(supportCompression)}, sasl=${String(supportSasl)})`,
  );
});

it('__all__, but for ThreadMappedPool', () => {
  for (const name of ['hashers', 'distributions', 'Client', 'ClientPool']) expect(libmemcached).toHaveProperty(name);
});

describe('the rest of client.py', () => {
  const client = new Client('127.0.0.1');
  afterAll(() => client.close());

  it('unknown behaviors are named', () => {
    expect(() => {
      client.setBehaviors({ no_such_behavior: 1 } as object);
    }).toThrow('no_such_behavior');
    expect(() => {
      client.setBehaviors({ hash: 'no_such_hash' as 'md5' });
    }).toThrow('no_such_hash');
  });

  it('nobody uses british spellings', () => {
    expect('behaviours' in client).toBe(false);
  });
});
