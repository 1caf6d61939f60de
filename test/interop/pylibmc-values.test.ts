// Values: what one client stores, the other one reads, in both protocols.

import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { Client, codecs, DeserializationError } from '../../lib/index';
import { storedItem, type StoredItem } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPython, py, readWithPylibmc, writeWithPylibmc, type PythonValue } from '../support/pylibmc';

/** pylibmc's flags, and those that the contract puts above them. */
const PICKLE = 1;
const INTEGER = 2;
const LONG = 4;
const ZLIB = 8;
const TEXT = 16;

/** For large values: jest compares them byte by byte, as objects. */
function digest(value: unknown): string {
  const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value));
  const kind = value instanceof Uint8Array ? 'bytes' : typeof value;
  return `${kind}, ${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`;
}

let server: MemcachedServer;

beforeAll(async () => {
  server = await startMemcached();
});

afterAll(stopAll);

describe.each([
  ['text', false],
  ['binary', true],
])('in the %s protocol', (_protocol, binary) => {
  let client: Client;

  beforeAll(() => {
    client = new Client(server.address, { binary });
  });

  afterAll(() => client.close());

  /** Stores with us; looks at the server, and has pylibmc read. */
  async function written(values: readonly unknown[], options = {}): Promise<[StoredItem, PythonValue][]> {
    const keys = values.map(() => uniqueKey());
    await Promise.all(values.map((value, index) => client.set(keys[index] as string, value, options)));
    const read = await readWithPylibmc(server.address, keys, { binary });
    return Promise.all(
      keys.map(async (key, index): Promise<[StoredItem, PythonValue]> => {
        const item = await storedItem(server, key);
        if (item === undefined) throw new Error(`${key} is not on the server`);
        return [item, read[index] as PythonValue];
      }),
    );
  }

  /** Has pylibmc store what Python expressions evaluate to; the keys. */
  async function writtenByPylibmc(
    expressions: readonly string[],
    more?: Record<string, unknown>,
  ): Promise<{ key: string; python: string }[]> {
    const entries = expressions.map((python) => ({ key: uniqueKey(), python, ...(more ? { with: more } : {}) }));
    await writeWithPylibmc(server.address, entries, { binary });
    return entries;
  }

  async function oneByPylibmc(expression: string, more?: Record<string, unknown>): Promise<string> {
    return (await writtenByPylibmc([expression], more))[0]?.key ?? '';
  }

  describe('the contract’s table', () => {
    const rows: [what: string, value: unknown, stored: string, type: number, own: boolean, read: PythonValue][] = [
      [
        'Buffer',
        Buffer.from([0, 1, 0xff, 0x0d, 0x0a]),
        '\0\x01\xff\r\n',
        0,
        false,
        py.bytes(Buffer.from([0, 1, 0xff, 0x0d, 0x0a])),
      ],
      ['Uint8Array', new Uint8Array([104, 105]), 'hi', 0, false, py.bytes('hi')],
      ['ArrayBuffer', new Uint8Array([104, 105]).buffer, 'hi', 0, false, py.bytes('hi')],
      ['empty Buffer', Buffer.alloc(0), '', 0, false, py.bytes('')],
      ['string', 'hello', 'hello', TEXT, false, py.str('hello')],
      ['empty string', '', '', TEXT, false, py.str('')],
      ['string beyond ASCII', 'grüße 鍵 \u{1f511}', 'grüße 鍵 \u{1f511}', TEXT, false, py.str('grüße 鍵 \u{1f511}')],
      ['string with a zero byte', 'a\0b', 'a\0b', TEXT, false, py.str('a\0b')],
      ['string with what ends an answer', 'x\r\nEND\r\n', 'x\r\nEND\r\n', TEXT, false, py.str('x\r\nEND\r\n')],
      ['string of digits', '12', '12', TEXT, false, py.str('12')],
      ['0', 0, '0', LONG, false, py.int(0)],
      ['integer', 12345, '12345', LONG, false, py.int(12345)],
      ['negative integer', -12345, '-12345', LONG, false, py.int(-12345)],
      ['largest safe integer', 2 ** 53 - 1, '9007199254740991', LONG, false, py.int(2n ** 53n - 1n)],
      ['smallest safe integer', -(2 ** 53) + 1, '-9007199254740991', LONG, false, py.int(-(2n ** 53n) + 1n)],
      ['small bigint', 7n, '7', LONG, true, py.int(7)],
      ['bigint 2^64', 2n ** 64n, '18446744073709551616', LONG, true, py.int(2n ** 64n)],
      ['bigint -(2^200)', -(2n ** 200n), String(-(2n ** 200n)), LONG, true, py.int(-(2n ** 200n))],
      ['true', true, '1', INTEGER, true, py.int(1)],
      ['false', false, '0', INTEGER, true, py.int(0)],
      ['fraction', 1.5, '1.5', TEXT, true, py.str('1.5')],
      ['tiny fraction', 5e-324, '5e-324', TEXT, true, py.str('5e-324')],
      ['integer above the safe ones', 2 ** 53, '9007199254740992', TEXT, true, py.str('9007199254740992')],
      ['NaN', NaN, 'NaN', TEXT, true, py.str('NaN')],
      ['Infinity', Infinity, 'Infinity', TEXT, true, py.str('Infinity')],
      ['-Infinity', -Infinity, '-Infinity', TEXT, true, py.str('-Infinity')],
      ['-0', -0, '-0', TEXT, true, py.str('-0')],
      ['null', null, 'null', TEXT, true, py.str('null')],
      ['array', [1, 'ü', null], '[1,"ü",null]', TEXT, true, py.str('[1,"ü",null]')],
      ['object', { a: { b: [true] } }, '{"a":{"b":[true]}}', TEXT, true, py.str('{"a":{"b":[true]}}')],
    ];

    it.each(rows)('%s', async (_what, value, stored, type, isOurOwn, read) => {
      const [[item, theirs] = []] = await written([value]);
      expect(item?.data).toEqual(Buffer.from(stored, typeof value === 'string' || type !== 0 ? 'utf8' : 'latin1'));
      expect((item?.flags ?? 0) & 31).toBe(type);
      // What keeps JavaScript's types apart is above pylibmc's flags, and only there where it is needed.
      expect((item?.flags ?? 0) >= 32).toBe(isOurOwn);
      expect(theirs).toEqual(read);
    });

    it('each of our own types has a flag of its own', async () => {
      const items = await written([1n, true, 1.5, {}]);
      expect(new Set(items.map(([item]) => item.flags)).size).toBe(4);
    });

    it('comes back to us as it was', async () => {
      for (const [what, value] of rows) {
        const key = uniqueKey();
        await client.set(key, value);
        const expected =
          value instanceof Uint8Array || value instanceof ArrayBuffer ? Buffer.from(value as Uint8Array) : value;
        expect([what, await client.get(key)]).toEqual([what, expected]);
      }
    });
  });

  describe('what pylibmc writes', () => {
    const rows: [python: string, value: unknown][] = [
      ["''", ''],
      ["'hello'", 'hello'],
      ["'gr\\u00fc\\u00dfe \\u9375 \\U0001f511'", 'grüße 鍵 \u{1f511}'],
      ["'a\\0b\\r\\nEND\\r\\n'", 'a\0b\r\nEND\r\n'],
      ["b''", Buffer.alloc(0)],
      ["b'bytes'", Buffer.from('bytes')],
      ['bytes(range(256))', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
      ['0', 0],
      ['-1', -1],
      ['2**31', 2 ** 31],
      ['2**53 - 1', 2 ** 53 - 1],
      ['-(2**53) + 1', -(2 ** 53) + 1],
      ['2**53', 2n ** 53n],
      ['2**63', 2n ** 63n],
      ['2**64', 2n ** 64n],
      ['-(2**64)', -(2n ** 64n)],
      ['2**4000', 2n ** 4000n],
      // Its bool is an int to itself, too.
      ['True', 1],
      ['False', 0],
    ];

    it('is read as what it was', async () => {
      const entries = await writtenByPylibmc(rows.map(([python]) => python));
      const read = await Promise.all(entries.map(({ key }) => client.get(key)));
      expect(rows.map(([python], index) => [python, read[index]])).toEqual(rows);
    });

    it('is read with one getMulti, and with gets', async () => {
      const entries = await writtenByPylibmc(rows.map(([python]) => python));
      const values = await client.getMulti(entries.map(({ key }) => key));
      expect([...values.values()]).toEqual(rows.map(([, value]) => value));
      for (const [index, { key }] of entries.entries()) {
        expect(await client.gets(key)).toEqual([rows[index]?.[1], expect.any(BigInt)]);
      }
    });
  });

  describe('what pylibmc pickled', () => {
    const expressions = [
      '1.5',
      'None',
      '[1, 2, 3]',
      '{"a": 1}',
      '("tuple",)',
      'datetime.date(2015, 12, 28)',
      'range(3)',
    ];

    it('rejects with a DeserializationError that carries the bytes and the flags', async () => {
      const entries = await writtenByPylibmc(expressions);
      const pickles = await askPython<string[]>(
        `
import datetime, pickle
output = [pickle.dumps(eval(expression), -1).hex() for expression in input]
`,
        expressions,
      );
      for (const [index, { key }] of entries.entries()) {
        for (const read of [() => client.get(key), () => client.gets(key)]) {
          const error = await read().catch((error: unknown) => error);
          expect(error).toBeInstanceOf(DeserializationError);
          expect(error).toMatchObject({ code: 'ERR_MEMCACHED_DESERIALIZATION', key, flags: PICKLE });
          expect(Buffer.from((error as DeserializationError).data).toString('hex')).toBe(pickles[index]);
        }
        expect(await client.has(key)).toBe(true);
      }
    });

    it('is compressed, too: the data goes with the flags', async () => {
      const key = await oneByPylibmc('["x" * 100] * 50', { min_compress_len: 1 });
      const item = await storedItem(server, key);
      expect(item?.flags).toBe(PICKLE | ZLIB);
      const error = (await client.get(key).catch((error: unknown) => error)) as DeserializationError;
      expect(error).toBeInstanceOf(DeserializationError);
      expect(error.flags & PICKLE).toBe(PICKLE);
      const pickled = inflateSync(item?.data ?? '');
      // Whoever gets the error has to know whether to inflate.
      const stated = (error.flags & ZLIB) === 0 ? pickled : item?.data;
      expect(digest(error.data)).toBe(digest(stated));
    });

    it('does not spoil a getMulti: the others are in the error', async () => {
      const [pickled, plain, other] = (await writtenByPylibmc(['[1]', "'plain'", '5'])).map(({ key }) => key) as [
        string,
        string,
        string,
      ];
      const error = await client.getMulti([plain, pickled, other]).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(DeserializationError);
      expect(error).toMatchObject({
        failedKeys: [pickled],
        values: new Map<string, unknown>([
          [plain, 'plain'],
          [other, 5],
        ]),
      });
    });
  });

  describe('flags that nobody knows', () => {
    it('pylibmc ignores those above its own; two types at once are an error to both', async () => {
      const raw = new Client(server.address, { binary, codec: codecs.raw });
      const flags = [
        TEXT | (2 ** 20),
        2 ** 31,
        LONG | 32,
        TEXT | LONG,
        PICKLE | TEXT,
        2 ** 32 - 1 - ZLIB,
        ZLIB,
        TEXT | ZLIB,
      ];
      const keys = flags.map(() => uniqueKey());
      await Promise.all(keys.map((key, index) => raw.set(key, { data: '1', flags: flags[index] as number })));
      expect(await Promise.all(keys.map((key) => storedItem(server, key)))).toEqual(
        flags.map((flags) => ({ flags, data: Buffer.from('1') })),
      );
      const theirs = (await readWithPylibmc(server.address, keys, { binary })).map(({ type }) => type);
      expect(theirs).toEqual(['str', 'bytes', 'int', 'raised', 'raised', 'raised', 'raised', 'raised']);
      // Ours either reads it as they do, or says that it cannot; it never crashes, and the next operation works.
      const ours = await Promise.allSettled(keys.map((key) => client.get(key)));
      for (const [index, result] of ours.entries()) {
        if (result.status === 'fulfilled') expect(theirs[index]).not.toBe('raised');
        else expect(result.reason).toBeInstanceOf(DeserializationError);
      }
      expect(ours[0]).toEqual({ status: 'fulfilled', value: '1' });
      expect(ours.slice(3).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
      await raw.close();
    });
  });

  it('every combination of its flags, and every bit above: read as pylibmc reads it, or an error', async () => {
    const raw = new Client(server.address, { binary, codec: codecs.raw });
    const flags = [
      ...Array.from({ length: 32 }, (_, low) => low),
      ...Array.from({ length: 27 }, (_, bit) => 2 ** (bit + 5)),
    ];
    const cases = flags.flatMap((flags) => ['', '1', 'x'].map((data) => ({ flags, data, key: uniqueKey() })));
    for (const { key, data, flags } of cases) await raw.set(key, { data, flags });
    const theirs = await readWithPylibmc(
      server.address,
      cases.map(({ key }) => key),
      { binary },
    );
    /** Those with a meaning of ours: with a type that it does not go with, they are an error. */
    const ownFlags = [8, 9, 10, 11, 12].map((bit) => 2 ** bit);
    const shown = (value: unknown): PythonValue => {
      if (typeof value === 'string') return py.str(value);
      if (typeof value === 'number') return py.int(value);
      return py.bytes(value as Buffer);
    };
    for (const [index, { key, data, flags }] of cases.entries()) {
      const ours = await client.get(key).then(shown, (error: unknown) => error);
      // Bits that have a meaning here are ours to check; what neither knows of is ignored by both, or refused.
      if (ours instanceof DeserializationError) {
        if (theirs[index]?.type !== 'raised') expect(ownFlags).toContain(flags);
      } else expect([flags, data, ours]).toEqual([flags, data, theirs[index]]);
    }
    await raw.close();
  });

  describe('compression', () => {
    /** Texts and bytes that shrink, do not shrink, and are just at a threshold. */
    const samples: [what: string, python: string, value: unknown, bytes: number][] = [
      ['100 equal letters', "'a' * 100", 'a'.repeat(100), 100],
      ['50 letters of two bytes', "'\\u00fc' * 50", 'ü'.repeat(50), 100],
      ['100 equal bytes', "b'a' * 100", Buffer.alloc(100, 'a'), 100],
      ['what does not shrink', 'bytes(range(100))', Buffer.from(Array.from({ length: 100 }, (_, byte) => byte)), 100],
      ['a long integer', '2**4000', 2n ** 4000n, 1205],
      ['one letter', "'a'", 'a', 1],
      ['nothing', "''", '', 0],
      ['a large text', "'0123456789' * 50000", '0123456789'.repeat(50_000), 500_000],
      ['more than the server takes', "'a' * (1024 * 1024 + 1)", 'a'.repeat(1024 * 1024 + 1), 1024 * 1024 + 1],
    ];
    const cases = samples.flatMap(([what, python, value, bytes]) =>
      [0, 1, 11, bytes - 1, bytes, bytes + 1]
        .filter((threshold) => threshold >= 0 && (bytes <= 1024 * 1024 || (threshold > 0 && threshold <= bytes)))
        .flatMap((minCompressLen) =>
          (bytes === 100 ? [-1, 0, 1, 6, 9] : [-1, 9]).map((compressLevel) => ({
            what,
            python,
            value,
            minCompressLen,
            compressLevel,
          })),
        ),
    );

    it('at the same thresholds and levels as pylibmc, and each reads the other’s', async () => {
      const ours = cases.map((given) => ({ ...given, key: uniqueKey('ours') }));
      const theirs = cases.map(({ python, minCompressLen, compressLevel }) => ({
        key: uniqueKey('theirs'),
        python,
        with: { min_compress_len: minCompressLen, compress_level: compressLevel },
      }));
      await writeWithPylibmc(server.address, theirs, { binary });
      for (const { key, value, minCompressLen, compressLevel } of ours)
        await client.set(key, value, { minCompressLen, compressLevel });
      // bigint has a flag of its own above theirs.
      const shape = async (key: string) => {
        const item = await storedItem(server, key);
        if (item === undefined) return 'nothing';
        const plain = (item.flags & ZLIB) === 0 ? item.data : inflateSync(item.data);
        return `flags ${item.flags & 31}, ${digest(plain)}`;
      };
      for (const [index, { value, what, minCompressLen, compressLevel }] of cases.entries()) {
        const label = JSON.stringify({ what, minCompressLen, compressLevel });
        const [our, their] = [ours[index]?.key ?? '', theirs[index]?.key ?? ''];
        expect([label, await shape(our)]).toEqual([label, await shape(their)]);
        expect([label, digest(await client.get(their))]).toEqual([label, digest(value)]);
      }
      const equal = await askPython<boolean[]>(
        `
mc = connect([input['server']], binary=input['binary'])
output = [mc.get(entry['key']) == eval(entry['python']) for entry in input['entries']]
`,
        { server: server.address, binary, entries: ours.map(({ key, python }) => ({ key, python })) },
      );
      expect(cases.filter((_given, index) => equal[index] !== true).map(({ what }) => what)).toEqual([]);
    });

    it('just at the threshold, not below it', async () => {
      const flagsFor = async (minCompressLen: number) =>
        ((await written(['a'.repeat(100)], { minCompressLen }))[0] as [StoredItem, PythonValue])[0].flags;
      expect(await flagsFor(99)).toBe(TEXT | ZLIB);
      expect(await flagsFor(100)).toBe(TEXT | ZLIB);
      expect(await flagsFor(101)).toBe(TEXT);
      expect(await flagsFor(0)).toBe(TEXT);
    });

    it('in zlib’s format', async () => {
      const [[item] = []] = await written(['a'.repeat(1000)], { minCompressLen: 1 });
      expect(item?.data.subarray(0, 2)).toEqual(Buffer.from([0x78, 0x9c]));
    });

    it('of every row of the table that is long enough', async () => {
      const values = [
        Buffer.alloc(500),
        'x'.repeat(500),
        10n ** 500n,
        Array<number>(200).fill(1),
        { a: 'y'.repeat(500) },
      ];
      const items = await written(values, { minCompressLen: 100 });
      expect(items.map(([item]) => item.flags & 31)).toEqual([
        ZLIB,
        TEXT | ZLIB,
        LONG | ZLIB,
        TEXT | ZLIB,
        TEXT | ZLIB,
      ]);
      expect(items.map(([, read]) => read)).toEqual([
        py.bytes(Buffer.alloc(500)),
        py.str('x'.repeat(500)),
        py.int(10n ** 500n),
        py.str(JSON.stringify(values[3])),
        py.str(JSON.stringify(values[4])),
      ]);
    });

    it('in setMulti of both', async () => {
      const keys = [uniqueKey(), uniqueKey()];
      await client.setMulti(
        keys.map((key) => [key, '*'.repeat(500)] as const),
        { minCompressLen: 1 },
      );
      expect(await readWithPylibmc(server.address, keys, { binary })).toEqual(keys.map(() => py.str('*'.repeat(500))));
      await askPython(
        `output = connect([input['server']]).set_multi({key: '+' * 500 for key in input['keys']}, min_compress_len=1)`,
        { server: server.address, keys },
      );
      expect([...(await client.getMulti(keys)).values()]).toEqual(keys.map(() => '+'.repeat(500)));
      expect((await storedItem(server, keys[0] as string))?.flags).toBe(TEXT | ZLIB);
    });
  });

  describe('counters', () => {
    /** pylibmc counts: what it says, and what it then reads. */
    const theyCount = (key: string, method: 'incr' | 'decr', delta: number) =>
      askPython<[PythonValue, PythonValue]>(
        `
mc = connect([input['server']], binary=input['binary'])
output = [attempt(lambda: getattr(mc, input['method'])(input['key'], input['delta'])), attempt(lambda: mc.get(input['key']))]
`,
        { server: server.address, binary, key, method, delta },
      );

    it('that we made are counted by both', async () => {
      const key = uniqueKey();
      await client.set(key, 5);
      expect(await theyCount(key, 'incr', 3)).toEqual([py.int(8), py.int(8)]);
      expect(await client.incr(key, 100)).toBe(108);
      expect(await theyCount(key, 'decr', 100)).toEqual([py.int(8), py.int(8)]);
      expect(await client.get(key)).toBe(8);
      expect(await client.decr(key, 50)).toBe(0);
      expect(await theyCount(key, 'decr', 1)).toEqual([py.int(0), py.int(0)]);
    });

    it('that pylibmc made are counted by both', async () => {
      const key = await oneByPylibmc('10');
      // memcached leaves a blank where the second digit was.
      expect(await client.decr(key)).toBe(9);
      expect((await readWithPylibmc(server.address, [key], { binary }))[0]).toEqual(py.int(9));
      expect(await client.get(key)).toBe(9);
      expect(await theyCount(key, 'incr', 1)).toEqual([py.int(10), py.int(10)]);
    });

    it('of 64 bits', async () => {
      const key = await oneByPylibmc('2**64 - 10');
      expect(await client.incr(key, 7, { bigint: true })).toBe(2n ** 64n - 3n);
      expect((await readWithPylibmc(server.address, [key], { binary }))[0]).toEqual(py.int(2n ** 64n - 3n));
      expect(await client.get(key)).toBe(2n ** 64n - 3n);
      expect(await theyCount(key, 'incr', 4)).toEqual([py.int(1), py.int(1)]);
    });

    it('that are bigints, strings and bytes to us', async () => {
      const keys = [uniqueKey(), uniqueKey(), uniqueKey()] as const;
      await client.set(keys[0], 41n);
      await client.set(keys[1], '41');
      await client.set(keys[2], Buffer.from('41'));
      for (const key of keys) expect((await theyCount(key, 'incr', 1))[0]).toEqual(py.int(42));
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual([42n, '42', Buffer.from('42')]);
      expect(await readWithPylibmc(server.address, keys, { binary })).toEqual([
        py.int(42),
        py.str('42'),
        py.bytes('42'),
      ]);
    });

    it('that are strings and bytes to pylibmc', async () => {
      const [text = '', bytes = ''] = (await writtenByPylibmc(["'7'", "b'7'"])).map(({ key }) => key);
      expect(await client.incr(text)).toBe(8);
      expect(await client.incr(bytes)).toBe(8);
      expect(await readWithPylibmc(server.address, [text, bytes], { binary })).toEqual([py.str('8'), py.bytes('8')]);
    });

    it('that are not there are NotFound to both', async () => {
      const key = uniqueKey();
      expect((await theyCount(key, 'incr', 1))[0]).toEqual({ type: 'raised', text: 'NotFound' });
      await expect(client.incr(key)).rejects.toMatchObject({ name: 'NotFound' });
    });
  });

  describe('the other operations on the other’s items', () => {
    it('append and prepend', async () => {
      const theirs = await oneByPylibmc("'b'");
      expect(await client.append(theirs, 'c')).toBe(true);
      expect(await client.prepend(theirs, 'a')).toBe(true);
      expect(await readWithPylibmc(server.address, [theirs], { binary })).toEqual([py.str('abc')]);
      const ours = uniqueKey();
      await client.set(ours, 'b');
      await askPython(
        `
mc = connect([input['server']], binary=input['binary'])
output = [mc.append(input['key'], 'c'), mc.prepend(input['key'], 'a')]
`,
        { server: server.address, binary, key: ours },
      );
      expect(await client.get(ours)).toBe('abc');
    });

    it('cas: each sees the other’s write, and each may use a token that the other got', async () => {
      const key = uniqueKey();
      await client.set(key, 'ours');
      const [, token] = await client.gets(key);
      const theyCas = (cas: string) =>
        askPython<[boolean, string]>(
          `
mc = connect([input['server']], {'cas': True}, binary=input['binary'])
output = [mc.cas(input['key'], 'theirs', int(input['cas'])), str(mc.gets(input['key'])[1])]
`,
          { server: server.address, binary, key, cas },
        );
      const [swapped, theirToken] = await theyCas(String(token));
      expect(swapped).toBe(true);
      expect(await client.cas(key, 'ours again', token as bigint)).toBe(false);
      expect(await client.get(key)).toBe('theirs');
      expect(await client.cas(key, 'ours again', BigInt(theirToken))).toBe(true);
      expect((await theyCas(theirToken))[0]).toBe(false);
      expect(await readWithPylibmc(server.address, [key], { binary })).toEqual([py.str('ours again')]);
    });

    it('add, replace, touch, delete', async () => {
      const key = await oneByPylibmc("'there'");
      expect(await client.add(key, 'ours')).toBe(false);
      expect(await client.replace(key, 'ours')).toBe(true);
      expect(await client.touch(key, 100)).toBe(true);
      expect(await client.delete(key)).toBe(true);
      expect(await readWithPylibmc(server.address, [key], { binary })).toEqual([py.none]);
      const ours = uniqueKey();
      await client.set(ours, 1);
      const answers = await askPython(
        `
mc = connect([input['server']], binary=input['binary'])
key = input['key']
output = [mc.add(key, 2), mc.replace(key, 3), mc.touch(key, 100), mc.delete(key), mc.delete(key)]
`,
        { server: server.address, binary, key: ours },
      );
      expect(answers).toEqual([false, true, true, true, false]);
      expect(await client.get(ours)).toBeUndefined();
    });

    it('flushAll', async () => {
      const own = await startMemcached();
      const theirs = uniqueKey();
      await writeWithPylibmc(own.address, [{ key: theirs, python: '1' }], { binary });
      const flusher = new Client(own.address, { binary });
      await flusher.flushAll();
      expect(await readWithPylibmc(own.address, [theirs], { binary })).toEqual([py.none]);
      await flusher.close();
      await own.stop();
    });
  });

  it('serialize and deserialize do the same without a server', async () => {
    const theirs = await askPython<[number[], number][]>(
      `
mc = connect(['127.0.0.1'])
output = []
for value in ('text', b'bytes', 1, 2**64, True, False, '', b''):
    data, flags = mc.serialize(value)
    output.append([list(data), flags])
`,
      null,
    );
    const values = theirs.map(([data, flags]) => client.deserialize(new Uint8Array(data), flags));
    expect(values).toEqual(['text', Buffer.from('bytes'), 1, 2n ** 64n, 1, 0, '', Buffer.alloc(0)]);
    const ours = ['text', Buffer.from('bytes'), 1, 2n ** 64n, true, false, '', Buffer.alloc(0)].map((value) => {
      const [data, flags] = client.serialize(value);
      return [[...Buffer.from(data)], flags & 31];
    });
    expect(ours).toEqual(theirs);
  });
});
