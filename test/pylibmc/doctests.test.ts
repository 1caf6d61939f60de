// pylibmc's tests/doctests.txt: each of its sections, in its order, said in JavaScript. README.md tells what differs.

import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as libmemcached from '../../lib/index';
import { Client, codecs, hashers, version, type ClientOptions } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

let server: MemcachedServer;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startMemcached();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(stopAll);

function makeClient(options: ClientOptions = {}): Client {
  const client = new Client(server.address, options);
  clients.push(client);
  return client;
}

const sorted = <T>(items: Iterable<T>) => [...items].sort();
const badKey = { name: 'BadKeyProvided', code: 'ERR_MEMCACHED_BAD_KEY' };

it('the version', () => {
  const { version: packaged } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(version).toBe(packaged);
});

describe.each([
  ['text', false],
  ['binary', true],
] as const)('in %s', (_name, binary) => {
  let c: Client;

  beforeEach(async () => {
    c = makeClient({ binary });
    await c.flushAll();
  });

  it('basic functionality', async () => {
    expect(await c.get('hello')).toBeUndefined();
    expect(await c.set('test_key', 123)).toBe(true);
    expect(await c.get('test_key')).toBe(123);
    expect(await c.get('test_key_2')).toBeUndefined();
    expect(await c.delete('test_key')).toBe(true);
    expect(await c.get('test_key')).toBeUndefined();
  });

  it('mixed key types: getMulti([k]).get(k) is what get(k) is', async () => {
    const bytes = Buffer.from('foo');
    expect(
      await c.setMulti([
        ['hello', 'world'],
        [bytes, 'bar'],
      ]),
    ).toEqual([]);
    const values = await c.getMulti(['hello', bytes]);
    expect(values.get('hello')).toBe('world');
    expect(values.get(bytes)).toBe('bar');
    expect([await c.get('hello'), await c.get(bytes), await c.get('foo')]).toEqual(['world', 'bar', 'bar']);
  });

  it('empty values', async () => {
    expect(await c.set('foo', '')).toBe(true);
    expect(await c.get('foo')).toBe('');
    expect(await c.set('foo', Buffer.alloc(0))).toBe(true);
    expect(await c.get('foo')).toEqual(Buffer.alloc(0));
  });

  it('some sort of idempotency', async () => {
    expect(await c.set('foo', 'bar')).toBe(true);
    expect(await c.get('foo')).toBe('bar');
    expect(await c.get('foo')).toBe('bar');
  });

  it('bytes stay bytes and text stays text', async () => {
    expect(await c.set('foo', Buffer.from('bar'))).toBe(true);
    expect(Buffer.isBuffer(await c.get('foo'))).toBe(true);
    expect(await c.set('foo', 'bar')).toBe(true);
    expect(typeof (await c.get('foo'))).toBe('string');
  });

  it('empty keys reject', async () => {
    await expect(c.get('')).rejects.toMatchObject(badKey);
    await expect(c.set('', 'hi')).rejects.toMatchObject(badKey);
    await expect(c.delete('')).rejects.toMatchObject(badKey);
  });

  it('multi functionality', async () => {
    const abc = ['a', 'b', 'c'];
    expect(await c.setMulti({ a: 1, b: 2, c: 3 })).toEqual([]);
    expect(sorted((await c.getMulti(abc)).keys())).toEqual(abc);
    expect(await c.deleteMulti(abc)).toBe(true);
    expect((await c.getMulti(abc)).size).toBe(0);
    expect(await c.setMulti({ a: 'd', b: 'e', c: 'f' }, { keyPrefix: 'test_' })).toEqual([]);
    expect(sorted(await c.getMulti(abc, { keyPrefix: 'test_' }))).toEqual([
      ['a', 'd'],
      ['b', 'e'],
      ['c', 'f'],
    ]);
    expect(await c.get('test_a')).toBe('d');
    expect(await c.deleteMulti(abc, { keyPrefix: 'test_' })).toBe(true);
    expect((await c.getMulti(abc, { keyPrefix: 'test_' })).size).toBe(0);
    // A string is one key here, never a sequence of keys.
    await expect(c.getMulti('abc')).rejects.toThrow(TypeError);
    await expect(c.deleteMulti('abc')).rejects.toThrow(TypeError);
  });

  it('empty keys reject in a multi, too, and nothing is done', async () => {
    await c.set('a', 1);
    await expect(c.getMulti([''])).rejects.toMatchObject(badKey);
    await expect(c.deleteMulti(['a', ''])).rejects.toMatchObject(badKey);
    await expect(c.setMulti({ b: 'ho', '': 'hi' })).rejects.toMatchObject(badKey);
    expect([await c.get('a'), await c.get('b')]).toEqual([1, undefined]);
  });

  it('deleteMulti takes keys, not entries', async () => {
    await expect(c.deleteMulti({ a: 'b' } as unknown as string[])).rejects.toThrow(TypeError);
    await expect(c.deleteMulti(new Map([['a', 'b']]) as unknown as string[])).rejects.toThrow(TypeError);
  });

  it('timed stuff', async () => {
    expect(await c.set('hi', 'steven', 1)).toBe(true);
    expect(await c.get('hi')).toBe('steven');
    await sleep(2100);
    expect(await c.get('hi')).toBeUndefined();
    expect(await c.set('hi', 'loretta', Math.floor(Date.now() / 1000) + 2)).toBe(true);
    expect(await c.setMulti({ hi2: 'charlotta' }, { time: 1 })).toEqual([]);
    expect(await c.get('hi')).toBe('loretta');
    expect(await c.get('hi2')).toBe('charlotta');
    await sleep(3100);
    expect([await c.get('hi'), await c.get('hi2')]).toEqual([undefined, undefined]);
  });

  it('delete takes no time', async () => {
    await c.set('foo', 1);
    const untyped = c as unknown as Record<'delete' | 'deleteMulti', (...args: unknown[]) => Promise<boolean>>;
    await expect(untyped.delete('foo', 123)).rejects.toThrow(TypeError);
    await expect(untyped.deleteMulti(['foo'], { time: 123 })).rejects.toThrow(TypeError);
    expect(await c.get('foo')).toBe(1);
  });

  it('keys with funny types', async () => {
    const funny = 1 as unknown as string;
    await expect(c.set(funny, 'hi')).rejects.toThrow(TypeError);
    await expect(c.get(funny)).rejects.toThrow(TypeError);
    await expect(c.setMulti(new Map([[funny, true]]))).rejects.toThrow(TypeError);
    await expect(c.getMulti([funny, 2 as unknown as string])).rejects.toThrow(TypeError);
  });

  it('getMulti of nothing', async () => {
    expect(await c.getMulti([])).toEqual(new Map());
  });

  it('stats', async () => {
    const stats = await c.getStats();
    expect(stats).toHaveLength(1);
    const [name, statistics] = stats[0] as [string, Record<string, string>];
    expect(name).toBe(`${server.address} (0)`);
    const expected = [
      ...['bytes', 'bytes_read', 'bytes_written', 'cmd_get', 'cmd_set', 'connection_structures'],
      ...['curr_connections', 'curr_items', 'evictions', 'get_hits', 'get_misses', 'limit_maxbytes'],
      ...['pid', 'pointer_size', 'rusage_system', 'rusage_user', 'threads', 'time'],
      ...['total_connections', 'total_items', 'uptime', 'version'],
    ];
    expect(Object.keys(statistics)).toEqual(expect.arrayContaining(expected));
    expect(statistics.pid).toBe(String(server.pid));
  });

  it('flushAll', async () => {
    expect(await c.set('hi', 'guys')).toBe(true);
    expect(await c.get('hi')).toBe('guys');
    expect(await c.flushAll()).toBe(true);
    expect(await c.get('hi')).toBeUndefined();
  });

  it('booleans', async () => {
    expect(await c.set('greta', true)).toBe(true);
    expect(await c.get('greta')).toBe(true);
    expect(await c.set('greta', false)).toBe(true);
    expect(await c.get('greta')).toBe(false);
    expect(await c.delete('greta')).toBe(true);
  });

  it('complex data types', async () => {
    const value = { what: ['?', null, { deep: true }] };
    expect(await c.set('tengil', value)).toBe(true);
    expect(await c.get('tengil')).toEqual(value);
    // What JSON has no words for, errors among it, is the structured codec's.
    const structured = makeClient({ binary, codec: codecs.structured });
    expect(await structured.set('tengil', new RangeError('what?'))).toBe(true);
    expect(await structured.get('tengil')).toMatchObject({ name: 'RangeError', message: 'what?' });
  });

  it('cloning', async () => {
    const c2 = c.clone();
    expect(c2).not.toBe(c);
    expect(c2).toBeInstanceOf(Client);
    expect(await c.set('test', 'hello')).toBe(true);
    expect(await c2.get('test')).toBe('hello');
    expect(await c2.delete('test')).toBe(true);
    await c2.close();
    expect(await c.get('test')).toBeUndefined();
  });

  it('per-error exceptions', async () => {
    await expect(c.incr('test')).rejects.toBeInstanceOf(libmemcached.NotFound);
    // The text protocol cannot carry it; it is not sent, so nothing that the server says can be told. In binary
    // it is a key like any other.
    const expected = binary ? libmemcached.NotFound : libmemcached.BadKeyProvided;
    await expect(c.incr('\0')).rejects.toBeInstanceOf(expected);
  });

  it('behaviors', () => {
    c.setBehaviors({ tcp_nodelay: true, hash: 'fnv1a_32' });
    expect(c.getBehaviors()).toMatchObject({ tcp_nodelay: true, hash: 'fnv1a_32' });
    expect(hashers.fnv1a_32).toBe(6);
  });
});

it('the binary protocol', async () => {
  const c = makeClient({ binary: true });
  expect(await c.set('hello', 'world')).toBe(true);
  expect(await c.get('hello')).toBe('world');
  expect(await c.delete('hello')).toBe(true);
});

it('incrMulti', async () => {
  const c = makeClient({ binary: true });
  const abc = ['a', 'b', 'c'];
  await c.deleteMulti([...abc, 'xa', 'xb', 'xc']);
  expect(await c.addMulti({ a: 1, b: 0, c: 4 })).toEqual([]);
  // pylibmc's returns nothing.
  const incremented = new Map(Object.entries({ a: 2, b: 1, c: 5 }));
  expect(await c.incrMulti(abc, { delta: 1 })).toEqual(incremented);
  expect(await c.getMulti(abc)).toEqual(incremented);
  expect(await c.deleteMulti(abc)).toBe(true);
  expect(await c.addMulti({ a: 1, b: 0, c: 4 }, { keyPrefix: 'x' })).toEqual([]);
  await c.incrMulti(abc, { keyPrefix: 'x', delta: 5 });
  expect(await c.getMulti(abc, { keyPrefix: 'x' })).toEqual(new Map(Object.entries({ a: 6, b: 5, c: 9 })));
  expect(await c.deleteMulti(abc, { keyPrefix: 'x' })).toBe(true);
  expect(await c.add('a', 1)).toBe(true);
  // With a prefix none is there, though one of the bare keys is.
  await expect(c.incrMulti(abc, { keyPrefix: 'x', delta: 1 })).rejects.toMatchObject({
    name: 'NotFound',
    failedKeys: abc,
    values: new Map(),
  });
  expect(await c.get('a')).toBe(1);
  expect(await c.delete('xa')).toBe(false);
});

it('empty server lists', () => {
  expect(() => new Client([])).toThrow('servers must not be empty');
  expect(() => new Client('')).toThrow(TypeError);
});

it('the behaviors object', () => {
  const pc = makeClient();
  expect([pc.behaviors.hash, pc.behaviors.distribution]).toEqual(['default', 'modula']);
  Object.assign(pc.behaviors, { hash: 'fnv1a_32', distribution: 'consistent' });
  expect([pc.behaviors.hash, pc.behaviors.distribution]).toEqual(['fnv1a_32', 'consistent']);
});

it('the behaviors object is live', () => {
  const pc = makeClient();
  const b = pc.behaviors;
  expect(b.hash).toBe('default');
  b.hash = 'fnv1a_32';
  expect(pc.behaviors.hash).toBe('fnv1a_32');
  expect(b.hash).toBe('fnv1a_32');
  expect(pc.getBehaviors().hash).toBe('fnv1a_32');
  // The old name of retry_timeout.
  pc.setBehaviors({ _retry_timeout: 123 } as object);
  expect(b.retry_timeout).toBe(123);
});

it('Ormod’s zero-byte adventure story', async () => {
  const bc = makeClient({ binary: true });
  const key = Buffer.from([0, 0, 1]);
  expect(await bc.set(key, 'ORMOD')).toBe(true);
  expect(await bc.getMulti([key])).toEqual(new Map([[key, 'ORMOD']]));
});

it.each([false, true])('the longest key, with binary: %j', async (binary) => {
  const mc = makeClient({ binary });
  expect(await mc.get('x'.repeat(250))).toBeUndefined();
  await expect(mc.get('x'.repeat(251))).rejects.toMatchObject(badKey);
});

it('ServerDown exists', () => {
  expect(new libmemcached.ServerDown('')).toBeInstanceOf(libmemcached.MemcachedError);
});

it('gets of a key that is not there', async () => {
  const c = makeClient({ binary: true });
  c.setBehaviors({ cas: true });
  await expect(c.gets('')).rejects.toMatchObject(badKey);
  expect(await c.gets('non_existing_key')).toEqual([undefined, undefined]);
});

it('there is no pickle_protocol', () => {
  const mc = makeClient();
  expect('pickle_protocol' in mc.getBehaviors()).toBe(false);
  expect(() => {
    mc.setBehaviors({ pickle_protocol: 2 } as object);
  }).toThrow(TypeError);
  expect(() => makeClient({ behaviors: { pickle_protocol: 2 } as object })).toThrow('pickle_protocol');
});

it('compression breaks nothing, and brings large values under the server’s limit', async () => {
  const c = makeClient({ binary: true });
  const sha = (value: unknown) =>
    createHash('sha256')
      .update(value as Buffer)
      .digest('hex');
  const bytes = Buffer.alloc(1024 * 1024 + 1, 'a');
  const text = bytes.toString();
  await expect(c.set('foo', bytes)).rejects.toMatchObject({ name: 'TooBig' });
  expect(await c.set('foo', bytes, { minCompressLen: 1 })).toBe(true);
  const read = await c.get('foo');
  expect(Buffer.isBuffer(read)).toBe(true);
  expect(sha(read)).toBe(sha(bytes));
  for (const compressLevel of [-1, 1, 9]) {
    expect(await c.set('foo', text, { minCompressLen: 1, compressLevel })).toBe(true);
    expect((await c.get('foo')) === text).toBe(true);
  }
  expect(await c.set('foo', 'abc', { minCompressLen: 1, compressLevel: 9 })).toBe(true);
  expect(await c.get('foo')).toBe('abc');
  const entries = { a: 20, b: '*'.repeat(500) };
  for (const compressLevel of [-1, 1, 9]) {
    expect(await c.setMulti(entries, { minCompressLen: 1, compressLevel })).toEqual([]);
    expect(Object.fromEntries(await c.getMulti(['a', 'b']))).toEqual(entries);
  }
});
