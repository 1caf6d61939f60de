// pylibmc's tests/test_refcounts.py. JavaScript has no reference counts; what they guard has its words here, too: the
// client keeps neither keys nor values nor defaults once an operation has settled, and what each test reads on the way.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client, type Key } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: MemcachedServer;
let bc: Client;

beforeAll(async () => {
  server = await startMemcached();
  bc = new Client(server.address, { binary: true });
});

afterAll(async () => {
  await bc.close();
  await stopAll();
});

/** Runs a function that uses objects which nobody else holds; they must be gone afterwards. */
async function expectCollected(use: () => Promise<object[]>): Promise<void> {
  const references = await (async () => (await use()).map((object) => new WeakRef(object)))();
  const kept = () => references.map((reference, index) => (reference.deref() === undefined ? '' : index)).join('');
  for (let attempt = 0; attempt < 20 && kept() !== ''; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
  }
  expect(kept()).toBe('');
}

const bytes = (text: string): Buffer => Buffer.from(text);

it.each<[string, () => Key, () => unknown]>([
  ['test_get_complex_type', () => 'refcountest', () => ({ at: [1970, 1, 1] })],
  ['test_get_simple', () => bytes('refcountest2'), () => 485295],
  ['test_get_singleton', () => bytes('refcountest3'), () => false],
])('%s', async (_name, makeKey, makeValue) => {
  await expectCollected(async () => {
    const [key, value] = [makeKey(), makeValue()];
    await bc.set(key, value);
    expect(await bc.get(key)).toEqual(value);
    return [key, value].filter((thing): thing is object => typeof thing === 'object');
  });
});

it('test_get_with_default', async () => {
  await expectCollected(async () => {
    const key = bytes('refcountest4');
    const fallback = {};
    await bc.set(key, 'some_value');
    expect(await bc.get(key)).toBe('some_value');
    expect(await bc.get(key, fallback)).toBe('some_value');
    await bc.delete(key);
    expect(await bc.get(key)).toBeUndefined();
    expect((await bc.get(key, fallback)) === fallback).toBe(true);
    return [key, fallback];
  });
});

it('test_get_multi', async () => {
  await bc.deleteMulti(['first', 'second']);
  await bc.set('first', 'first_value');
  expect(await bc.getMulti(['first', 'second'])).toEqual(new Map([['first', 'first_value']]));
  for (const empty of ['', Buffer.alloc(0)])
    await expect(bc.getMulti(['first', 'second', empty])).rejects.toMatchObject({ name: 'BadKeyProvided', key: empty });
});

it('test_get_multi_bytes_and_unicode', async () => {
  await expectCollected(async () => {
    const fourth = bytes('fourth');
    const value = { another: 'value' };
    await bc.setMulti([
      ['third', value],
      [fourth, value],
    ]);
    const values = await bc.getMulti(['third', fourth]);
    expect(values.get('third')).toEqual(value);
    expect(values.get(fourth)).toEqual(value);
    return [fourth, value, values];
  });
});

it('test_delete', async () => {
  await expectCollected(async () => {
    const two = bytes('deltwo');
    const one = bytes('valone');
    await bc.set('delone', one);
    await bc.set(two, 'valtwo');
    expect(await bc.delete('delone')).toBe(true);
    expect(await bc.delete(two)).toBe(true);
    expect(await bc.delete('delone')).toBe(false);
    expect(await bc.delete(two)).toBe(false);
    return [two, one];
  });
});

it('test_incr', async () => {
  await expectCollected(async () => {
    const key = bytes('increment_key');
    await bc.set(key, 1);
    expect(await bc.incr(key)).toBe(2);
    await bc.set('increment_key_again', 5);
    expect(await bc.incr('increment_key_again')).toBe(6);
    return [key];
  });
});

it('test_set_and_delete_multi', async () => {
  await expectCollected(async () => {
    const keys = ['delone', bytes('deltwo'), 'delthree', 'delfour'];
    const values = [bytes('valone'), 'valtwo', { any: 'thing' }, 2];
    const entries = keys.map((key, index) => [key, values[index]] as const);
    expect(await bc.setMulti(entries)).toEqual([]);
    expect(await bc.deleteMulti(keys.slice(0, 1))).toBe(true);
    expect(await bc.deleteMulti(keys.slice(1, 2))).toBe(true);
    expect(await bc.setMulti(new Map(entries))).toEqual([]);
    expect(await bc.deleteMulti(keys)).toBe(true);
    expect(await bc.deleteMulti(keys)).toBe(false);
    return [keys[1] as Buffer, values[0] as Buffer, values[2] as object];
  });
});

it('test_prefixes', async () => {
  await expectCollected(async () => {
    const keys = ['prefixone', bytes('prefixtwo')];
    const keyPrefix = bytes('testprefix-');
    const values = [bytes('valone'), 'valtwo'];
    const entries = keys.map((key, index) => [key, values[index]] as const);
    expect(await bc.setMulti(entries, { keyPrefix })).toEqual([]);
    expect([...(await bc.getMulti(keys, { keyPrefix }))]).toEqual(entries);
    expect(await bc.get('testprefix-prefixtwo')).toBe('valtwo');
    expect(await bc.deleteMulti(keys.slice(0, 1), { keyPrefix })).toBe(true);
    expect(await bc.deleteMulti(keys.slice(1), { keyPrefix })).toBe(true);
    expect(await bc.setMulti(entries, { keyPrefix: 'testprefix-' })).toEqual([]);
    expect(await bc.deleteMulti(keys, { keyPrefix })).toBe(true);
    expect(await bc.deleteMulti(keys, { keyPrefix })).toBe(false);
    return [keys[1] as Buffer, keyPrefix, values[0] as Buffer];
  });
});

it('test_get_invalid_key', async () => {
  await expectCollected(async () => {
    const key = {};
    await expect(bc.get(key as string)).rejects.toThrow(TypeError);
    return [key];
  });
});

it('test_cas', async () => {
  await expectCollected(async () => {
    const mc = new Client(server.address, { binary: false, behaviors: { cas: true } });
    const k = bytes('testkey');
    const value = { count: 1138478589238 };
    await mc.set(k, value);
    const [, cas] = await mc.gets(k);
    expect(await mc.cas(k, value, cas as bigint)).toBe(true);
    await mc.close();
    return [k, value];
  });
});

it('callers may change their buffers as soon as they have called', async () => {
  const key = bytes('changing-key');
  const value = Buffer.alloc(100_000, 'v');
  const stored = bc.set(key, value);
  key.fill('x');
  value.fill('x');
  expect(await stored).toBe(true);
  const read = (await bc.get('changing-key')) as Buffer;
  expect(read.equals(Buffer.alloc(100_000, 'v'))).toBe(true);
  // And what they get is theirs.
  read.fill('y');
  expect(((await bc.get('changing-key')) as Buffer).equals(Buffer.alloc(100_000, 'v'))).toBe(true);
});
