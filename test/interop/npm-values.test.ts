// Values: what npm's memcached and memjs store, the codecs of their names read, and the other way round.

import { Client, codecs, DeserializationError } from '../../lib/index';
import { storedItem } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { connectMemjs, MemcachedOfNpm, memcachedVersion, memjsVersion, type Memjs } from '../support/npm-clients';

const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const long = 'grüße\r\n'.repeat(10_000);

let server: MemcachedServer;

beforeAll(async () => {
  server = await startMemcached();
});

afterAll(stopAll);

const protocols: [string, boolean][] = [
  ['text', false],
  ['binary', true],
];

it('are the versions that the README tells of', () => {
  expect([memcachedVersion, memjsVersion]).toEqual(['2.2.2', '1.3.2']);
});

describe.each(protocols)('memcached, with us in the %s protocol', (_protocol, binary) => {
  let client: Client;
  let theirs: MemcachedOfNpm;

  beforeAll(() => {
    client = new Client(server.address, { binary, codec: 'memcached' });
    theirs = new MemcachedOfNpm(server.address);
  });

  afterAll(async () => {
    theirs.end();
    await client.close();
  });

  const both: [what: string, value: unknown, flags: number][] = [
    ['string', 'hello', 0],
    ['string of digits', '12', 0],
    ['empty string', '', 0],
    ['string beyond ASCII', 'grüße 鍵 \u{1f511}', 0],
    ['string with a zero byte', 'a\0b', 0],
    ['string with line breaks', 'a\nb\rc\r\nd\n', 0],
    ['string with what ends an answer', 'x\r\nEND\r\nVALUE x 0 1\r\n', 0],
    ['string with backslashes', '\\ \\\\ \\n \\\n \\\\\r\n\\', 0],
    ['long string', long, 0],
    ['bytes', allBytes, 4],
    ['empty bytes', Buffer.alloc(0), 4],
    ['bytes with line breaks', Buffer.from('\r\n\\\r\n\n\xff', 'latin1'), 4],
    ['0', 0, 8],
    ['integer', -12345, 8],
    ['largest safe integer', 2 ** 53 - 1, 8],
    ['fraction', 0.1 + 0.2, 8],
    ['tiny fraction', 5e-324, 8],
    ['1e21', 1e21, 8],
    ['NaN', NaN, 8],
    ['-Infinity', -Infinity, 8],
    ['true', true, 2],
    ['false', false, 2],
    ['null', null, 2],
    ['array', [1, 'ü', null, 1.5, false, []], 2],
    ['empty array', [], 2],
    ['object', { a: { b: [true] }, 'ü\r\n\\': 'x\r\n' }, 2],
    ['empty object', {}, 2],
    ['object with __proto__', JSON.parse('{"__proto__":{"x":1}}'), 2],
  ];

  it.each(both)('%s', async (_what, value, flags) => {
    const [written, read] = [uniqueKey(), uniqueKey()];
    await client.set(written, value);
    await theirs.set(read, value);
    expect(await storedItem(server, written)).toEqual(await storedItem(server, read));
    expect((await storedItem(server, written))?.flags).toBe(flags);
    expect(await theirs.get(written)).toEqual(value);
    expect(await client.get(read)).toEqual(value);
    expect(await client.get(written)).toEqual(value);
  });

  it('many at once', async () => {
    const values = both.map(([, value]) => value);
    const [ours, others] = [values.map(() => uniqueKey()), values.map(() => uniqueKey())];
    await client.setMulti(ours.map((key, index) => [key, values[index]] as const));
    for (const [index, key] of others.entries()) await theirs.set(key, values[index]);
    expect([...(await client.getMulti(others)).values()]).toEqual(values);
    expect(await theirs.getMulti(ours)).toEqual(Object.fromEntries(ours.map((key, index) => [key, values[index]])));
  });

  it('-0, which it stores as 0, is kept', async () => {
    const key = uniqueKey();
    await client.set(key, -0);
    expect(await client.get(key)).toBe(-0);
    expect(await theirs.get(key)).toBe(-0);
  });

  it('counters of both', async () => {
    const [ours, others, text] = [uniqueKey(), uniqueKey(), uniqueKey()];
    await client.set(ours, 5);
    expect(await theirs.incr(ours, 95)).toBe(100);
    expect(await client.decr(ours, 95)).toBe(5);
    // memcached leaves blanks behind where the digits were.
    expect([await client.get(ours), await theirs.get(ours)]).toEqual([5, 5]);
    await theirs.set(others, 10);
    expect(await client.decr(others)).toBe(9);
    expect(await theirs.incr(others, 1)).toBe(10);
    expect(await client.get(others)).toBe(10);
    await theirs.set(text, '41');
    expect(await client.incr(text)).toBe(42);
    expect(await theirs.get(text)).toBe('42');
  });

  it('append and cas on the other’s items', async () => {
    const key = uniqueKey();
    await theirs.set(key, 'b');
    expect(await client.append(key, 'c')).toBe(true);
    expect(await theirs.append(key, 'd')).toBe(true);
    expect(await client.get(key)).toBe('bcd');
    const [, token] = await client.gets(key);
    const found = (await theirs.gets(key)) as { cas: string };
    expect(BigInt(found.cas)).toBe(token);
    expect(await theirs.cas(key, { by: 'them' }, found.cas)).toBe(true);
    expect(await client.cas(key, 'ours', token as bigint)).toBe(false);
    expect(await client.get(key)).toEqual({ by: 'them' });
  });

  it('flags that it does not have, and bytes that are not what they say: an error, and the next operation works', async () => {
    const raw = new Client(server.address, { binary, codec: codecs.raw });
    const cases: [flags: number, data: string][] = [
      [1, 'x'],
      [6, 'x'],
      [16, 'x'],
      [2 ** 32 - 1, 'x'],
      [2, ''],
      [2, '{'],
      [8, ''],
      [8, 'x'],
    ];
    for (const [flags, data] of cases) {
      const key = uniqueKey();
      await raw.set(key, { data, flags });
      const error = await client.get(key).catch((error: unknown) => error);
      expect([flags, data, error]).toEqual([flags, data, expect.any(DeserializationError)]);
      expect(error).toMatchObject({ key, flags, data: Buffer.from(data) });
      await client.set(key, 'next');
      expect(await client.get(key)).toBe('next');
    }
    await raw.close();
  });

  it('refuses what it cannot say, and compression', async () => {
    const key = uniqueKey();
    for (const value of [undefined, () => 1, Symbol('x'), new Map(), new Set(), 1n, { x: 1n }])
      await expect(client.set(key, value)).rejects.toThrow(TypeError);
    await expect(client.set(key, long, { minCompressLen: 1 })).rejects.toThrow(/minCompressLen.*memcached/);
    await expect(client.setMulti({ [key]: long }, { minCompressLen: 1 })).rejects.toThrow(TypeError);
    expect(await client.has(key)).toBe(false);
  });
});

describe.each(protocols)('memjs, with us in the %s protocol', (_protocol, binary) => {
  let client: Client;
  let theirs: Memjs;

  beforeAll(() => {
    client = new Client(server.address, { binary, codec: 'memjs' });
    theirs = connectMemjs(server.address);
  });

  afterAll(async () => {
    theirs.close();
    await client.close();
  });

  const both: [what: string, value: string | Buffer][] = [
    ['string', 'hello'],
    ['empty string', ''],
    ['string beyond ASCII', 'grüße 鍵 \u{1f511}'],
    ['string with what ends an answer', 'x\0\r\nEND\r\n'],
    ['long string', long],
    ['bytes', allBytes],
    ['empty bytes', Buffer.alloc(0)],
  ];

  it.each(both)('%s', async (_what, value) => {
    const bytes = Buffer.from(value as string);
    const [written, read] = [uniqueKey(), uniqueKey()];
    await client.set(written, value);
    await theirs.set(read, value, {});
    expect(await storedItem(server, written)).toEqual({ flags: 0, data: bytes });
    expect(await storedItem(server, read)).toEqual({ flags: 0, data: bytes });
    expect((await theirs.get(written)).value).toEqual(bytes);
    expect(await client.get(read)).toEqual(bytes);
    expect(await client.get(written)).toEqual(bytes);
    expect([...(await client.getMulti([read, written])).values()]).toEqual([bytes, bytes]);
  });

  it('other bytes', async () => {
    const key = uniqueKey();
    for (const value of [new Uint8Array(allBytes), new Uint8Array(allBytes).buffer]) {
      await client.set(key, value);
      expect((await theirs.get(key)).value).toEqual(allBytes);
    }
  });

  it('does not look at flags', async () => {
    const raw = new Client(server.address, { binary, codec: 'raw' });
    const key = uniqueKey();
    for (const flags of [1, 8, 2 ** 32 - 1]) {
      await raw.set(key, { data: 'x', flags });
      expect((await theirs.get(key)).value).toEqual(Buffer.from('x'));
      expect(await client.get(key)).toEqual(Buffer.from('x'));
    }
    await raw.close();
  });

  it('counters of both', async () => {
    const [ours, others, initial] = [uniqueKey(), uniqueKey(), uniqueKey()];
    await client.set(ours, '5');
    expect(await theirs.increment(ours, 95, {})).toEqual({ success: true, value: 100 });
    expect(await client.incr(ours)).toBe(101);
    expect(await client.get(ours)).toEqual(Buffer.from('101'));
    await theirs.set(others, '10', {});
    expect(await client.decr(others)).toBe(9);
    expect(await theirs.decrement(others, 2, {})).toEqual({ success: true, value: 7 });
    expect(await theirs.increment(initial, 1, { initial: 40 })).toEqual({ success: true, value: 40 });
    expect(await client.incr(initial, 2)).toBe(42);
  });

  it('refuses what memjs refuses, and compression', async () => {
    const key = uniqueKey();
    for (const value of [undefined, null, 5, 5n, true, {}, [], () => 1]) {
      await expect(client.set(key, value)).rejects.toThrow(TypeError);
    }
    await expect(client.set(key, long, { minCompressLen: 1 })).rejects.toThrow(/minCompressLen.*memjs/);
    expect(await client.has(key)).toBe(false);
  });
});
