// pylibmc's tests/test_client.py.

import { setTimeout as sleep } from 'node:timers/promises';
import { Client, NotFound } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

let server: MemcachedServer;
let mc: Client;
let bc: Client;

beforeAll(async () => {
  server = await startMemcached();
  mc = new Client(server.address);
  bc = new Client(server.address, { binary: true });
});

afterAll(async () => {
  await Promise.all([mc.close(), bc.close()]);
  await stopAll();
});

it('test_zerokey', async () => {
  const k = '\0\x01';
  expect(await bc.set(k, 'test')).toBe(true);
  expect([...(await bc.getMulti([k])).keys()]).toEqual([k]);
});

it.each([{ cas: true }, {}])('test_cas, in text, with the behaviors %j', async (behaviors) => {
  const text = new Client(server.address, { binary: false, behaviors });
  const k = 'testkey';
  expect(await text.set(k, 0)).toBe(true);
  for (let expected = 0; expected <= 10; expected++) {
    const [value, cas] = await text.gets<number>(k);
    expect(value).toBe(expected);
    expect(await text.cas(k, expected + 1, cas as bigint)).toBe(true);
    expect(await text.cas(k, 'too late', cas as bigint)).toBe(false);
  }
  await text.close();
});

it('testBehaviors', () => {
  const expected = [
    ...['auto_eject', 'buffer_requests', 'cas', 'connect_timeout', 'distribution', 'failure_limit', 'hash', 'ketama'],
    ...['ketama_hash', 'ketama_weighted', 'no_block', 'num_replicas', 'receive_timeout', 'retry_timeout'],
    ...['send_timeout', 'tcp_keepalive', 'tcp_nodelay', 'verify_keys', 'remove_failed', 'dead_timeout'],
    ...['namespace', 'tcp_keepidle', 'tcp_keepintvl'], // more than pylibmc's
  ];
  const open = (names: string[]) => names.filter((name) => !name.startsWith('_')).sort();
  expect(open(Object.keys(mc.getBehaviors()))).toEqual(expected.sort());
  expect(open(Object.keys(mc.behaviors))).toEqual(expected);
});

it.each([false, true])('test_touch, with binary: %j', async (binary) => {
  const client = new Client(server.address, { binary });
  const [key, other, value] = [`touch-test-${String(binary)}`, `touch-test-2-${String(binary)}`, 'touch-val'];
  expect(await client.set(key, value, 1)).toBe(true);
  expect(await client.get(key)).toBe(value);
  await sleep(2000);
  expect(await client.get(key)).toBeUndefined();

  await client.set(key, value, 1);
  expect(await client.get(key)).toBe(value);
  expect(await client.touch(key, 5)).toBe(true);
  await sleep(2000);
  expect(await client.get(key)).toBe(value);

  expect(await client.touch(other, 100)).toBe(false);
  await client.close();
});

it('test_exceptions', async () => {
  await expect(mc.set(1 as unknown as string, 'hi')).rejects.toThrow(TypeError);
  expect(() => new Client([])).toThrow(TypeError);
  await expect(mc.incrMulti(['a', 'b', 'c'], { keyPrefix: 'x', delta: 1 })).rejects.toBeInstanceOf(NotFound);
});

it('test_utf8_encoding', async () => {
  const k = 'a key with a replacement character \ufffd and something non-BMP \u{1f4a3}';
  expect(await bc.set(k, 0)).toBe(true);
  expect(await bc.get(Buffer.from(k))).toBe(0);
});

it('test_get_with_default', async () => {
  const key = 'get-api-test';
  await bc.delete(key);
  expect(await bc.get(key)).toBeUndefined();
  const fallback = {};
  expect(await bc.get(key, fallback)).toBe(fallback);
});

it('test_none_values', async () => {
  await bc.set('none-test', null);
  expect(await bc.get('none-test')).toBeNull();
  expect(await bc.get('none-test', 'default')).toBeNull();
  expect(await bc.getMulti(['none-test'])).toEqual(new Map([['none-test', null]]));
  expect(await bc.has('none-test')).toBe(true);
  await bc.delete('none-test');
  expect(await bc.has('none-test')).toBe(false);
});
