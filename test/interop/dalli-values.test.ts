// Values: what Ruby's dalli stores, codec 'dalli' reads, and the other way round. dalli speaks binary only.

import { gunzipSync, inflateSync } from 'node:zlib';
import { Client, codecs, DeserializationError } from '../../lib/index';
import { storedItem } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askRuby, describeWithDalli } from '../support/dalli';

/** What Debian 12 has, and the README says: a newer one should be looked at. */
const PROVED = /^3\.0\./;

const SERIALIZED = 1;
const COMPRESSED = 2;
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const bytesInRuby = '(0..255).to_a.pack("C*")';

let server: MemcachedServer;

describeWithDalli('values with dalli', () => {
  beforeAll(async () => {
    server = await startMemcached();
  });

  afterAll(stopAll);

  it('is the version that the README tells of', async () => {
    expect(await askRuby<string>('output = Dalli::VERSION', null)).toMatch(PROVED);
  });

  describe.each([
    ['text', false],
    ['binary', true],
  ])('with us in the %s protocol', (_protocol, binary) => {
    let client: Client;

    beforeAll(() => {
      client = new Client(server.address, { binary, codec: 'dalli' });
    });

    afterAll(() => client.close());

    /** Has dalli store what expressions evaluate to; `options` is Ruby: those of the client, and those of `set`. */
    async function writtenByDalli(
      expressions: readonly string[],
      options: { client?: string; set?: string } = {},
    ): Promise<string[]> {
      const keys = expressions.map(() => uniqueKey('theirs'));
      await askRuby(
        `
client = connect(input['server'], **{ ${options.client ?? ''} })
input['keys'].zip(input['expressions']) do |key, expression|
  client.set(key, eval(expression), nil, { ${options.set ?? ''} }) or raise "not stored: #{key}"
end
`,
        { server: server.address, keys, expressions },
      );
      return keys;
    }

    /** What dalli reads, and what expressions evaluate to, in Ruby's own notation. */
    function readByDalli(
      keys: readonly string[],
      expressions: readonly string[],
      options = '',
    ): Promise<[read: string, expected: string][]> {
      return askRuby(
        `
client = connect(input['server'], **{ ${options} })
output = input['keys'].zip(input['expressions']).map do |key, expression|
  [shown(client.get(key)), shown(eval(expression))]
end
`,
        { server: server.address, keys, expressions },
      );
    }

    /** The value, and Ruby's expression for it. */
    const both: [what: string, value: unknown, expression: string][] = [
      ['string', 'hello', '"hello"'],
      ['string of digits', '12', '"12"'],
      ['empty string', '', '""'],
      ['string beyond ASCII', 'grüße 鍵 \u{1f511}', '"gr\\u00fc\\u00dfe \\u9375 \\u{1f511}"'],
      ['string with what ends an answer', 'x\0\r\nEND\r\n', '"x\\0\\r\\nEND\\r\\n"'],
      ['long string', 'ü'.repeat(40_000), '"\\u00fc" * 40000'],
      ['null', null, 'nil'],
      ['true', true, 'true'],
      ['false', false, 'false'],
      // At each length of Marshal's integers.
      ...[
        0,
        1,
        122,
        123,
        255,
        256,
        65535,
        65536,
        2 ** 24 - 1,
        2 ** 24,
        2 ** 30 - 1,
        2 ** 30,
        2 ** 31,
        2 ** 53 - 1,
      ].flatMap((number): [string, unknown, string][] => [
        [String(number), number, String(number)],
        ...(number === 0 ? [] : ([[String(-number), -number, String(-number)]] as [string, unknown, string][])),
      ]),
      ['-(2^24) - 1', -(2 ** 24) - 1, '-(2**24) - 1'],
      ['-(2^30) - 1', -(2 ** 30) - 1, '-(2**30) - 1'],
      ['-124', -124, '-124'],
      ['-257', -257, '-257'],
      ['bigint 2^53', 2n ** 53n, '2**53'],
      ['bigint 2^64', 2n ** 64n, '2**64'],
      ['bigint -(2^200)', -(2n ** 200n), '-(2**200)'],
      ['fraction', 1.5, '1.5'],
      ['long fraction', 0.1 + 0.2, '0.1 + 0.2'],
      ['tiny fraction', 5e-324, '5e-324'],
      ['huge float', 1.7976931348623157e308, 'Float::MAX'],
      ['integer above the safe ones', 2 ** 53, '2.0**53'],
      ['1e21', 1e21, '1e21'],
      ['NaN', NaN, 'Float::NAN'],
      ['Infinity', Infinity, 'Float::INFINITY'],
      ['-Infinity', -Infinity, '-Float::INFINITY'],
      ['-0', -0, '-0.0'],
      ['array', [1, 'ü', null, 1.5, false, [], ['x']], '[1, "\\u00fc", nil, 1.5, false, [], ["x"]]'],
      ['repetitions', [1.5, 1.5, 'x', 'x', 2 ** 40, 2 ** 40, 'x'], '[1.5, 1.5, "x", "x", 2**40, 2**40, "x"]'],
      ['empty array', [], '[]'],
      ['object', { a: { b: [true] }, ü: 'x' }, '{"a" => {"b" => [true]}, "\\u00fc" => "x"}'],
      ['empty object', {}, '{}'],
      ['object with __proto__', JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__" => {"x" => 1}}'],
      ['300 members', Array.from({ length: 300 }, (_, index) => index), '(0...300).to_a'],
    ];

    it('stored by us, read by dalli', async () => {
      const keys = both.map(() => uniqueKey());
      await client.setMulti(both.map(([, value], index) => [keys[index] as string, value] as const));
      const answers = await readByDalli(
        keys,
        both.map(([, , expression]) => expression),
      );
      expect(both.map(([what], index) => [what, answers[index]?.[0]])).toEqual(
        both.map(([what], index) => [what, answers[index]?.[1]]),
      );
      expect((await storedItem(server, keys[0] as string))?.flags).toBe(SERIALIZED);
      for (const [index, [what, value]] of both.entries())
        expect([what, await client.get(keys[index] as string)]).toEqual([what, value]);
    });

    it('stored by dalli, read by us', async () => {
      const keys = await writtenByDalli(both.map(([, , expression]) => expression));
      for (const [index, [what, value]] of both.entries())
        expect([what, await client.get(keys[index] as string)]).toEqual([what, value]);
      expect([...(await client.getMulti(keys)).values()]).toEqual(both.map(([, value]) => value));
      expect(({} as Record<string, unknown>).x).toBeUndefined();
    });

    it('bytes are raw to both', async () => {
      const rows: [Buffer, string][] = [
        [allBytes, bytesInRuby],
        [Buffer.alloc(0), '"".b'],
        [Buffer.from('grüße'), '"gr\\u00fc\\u00dfe".b'],
      ];
      const keys = rows.map(() => uniqueKey());
      await client.setMulti(rows.map(([value], index) => [keys[index] as string, value] as const));
      const expressions = rows.map(([, expression]) => expression);
      // dalli calls what has only ASCII UTF-8, and the rest binary.
      const equal = await askRuby<boolean[]>(
        `
client = connect(input['server'])
output = input['keys'].zip(input['expressions']).map { |key, expression| client.get(key).b == eval(expression) }
`,
        { server: server.address, keys, expressions },
      );
      expect(equal).toEqual([true, true, true]);
      const theirs = await writtenByDalli(expressions, { set: 'raw: true' });
      for (const [index, [value]] of rows.entries()) {
        expect((await storedItem(server, theirs[index] as string))?.flags).toBe(0);
        expect(await client.get(theirs[index] as string)).toEqual(value);
        expect(await client.get(keys[index] as string)).toEqual(value);
      }
      for (const value of [new Uint8Array(allBytes), new Uint8Array(allBytes).buffer]) {
        await client.set(keys[0] as string, value);
        expect(await client.get(keys[0] as string)).toEqual(allBytes);
      }
    });

    it('what Marshal can say beyond JSON', async () => {
      const rows: [expression: string, value: unknown][] = [
        [':symbol', 'symbol'],
        [':"gr\\u00fc\\u00dfe"', 'grüße'],
        ['[:a, :b, :a, "a", :b]', ['a', 'b', 'a', 'a', 'b']],
        ['{a: 1, b: {a: 2}}', { a: 1, b: { a: 2 } }],
        ['{1 => "one", -5 => "five"}', { 1: 'one', '-5': 'five' }],
        [bytesInRuby, allBytes],
        ['["abc".b, "abc"]', [Buffer.from('abc'), 'abc']],
        ['"abc".force_encoding("US-ASCII")', 'abc'],
        ['"\\xff"', Buffer.from([0xff])],
        [
          '(x = "twice"; y = [x]; [x, x, y, y, 2**80, x])',
          ['twice', 'twice', ['twice'], ['twice'], 2n ** 80n, 'twice'],
        ],
        ['(n = 2**80; [n, n, "x", n])', [2n ** 80n, 2n ** 80n, 'x', 2n ** 80n]],
        ['Hash.new(5).merge({"a" => 1})', { a: 1 }],
        ['[2**53, -(2**64), 2**30]', [2n ** 53n, -(2n ** 64n), 2 ** 30]],
        ['(s = :"\\u00fc"; t = "x"; [s, t, s, t, :z, "z"])', ['ü', 'x', 'ü', 'x', 'z', 'z']],
      ];
      const keys = await writtenByDalli(rows.map(([expression]) => expression));
      for (const [index, [expression, value]] of rows.entries())
        expect([expression, await client.get(keys[index] as string)]).toEqual([expression, value]);
      const [cyclic = ''] = await writtenByDalli(['(a = [1]; a << a; a)']);
      const read = (await client.get<unknown[]>(cyclic)) ?? [];
      expect(read[1]).toBe(read);
    });

    it('what only Ruby can read rejects with the bytes and the flags', async () => {
      const rows: [expression: string, message: RegExp][] = [
        ['Object.new', /class "Object"/],
        ['Struct.new(:a) && Process::Status.allocate', /class "Process::Status"/],
        ['Time.at(0)', /class "Time"/],
        ['BigDecimal("1.5")', /class "BigDecimal"/],
        ['1..2', /class "Range"/],
        ['2r', /class "Rational"/],
        ['Class.new(String); StandardError.new("x")', /class "StandardError"/],
        ['/x/', /plain values/],
        ['String', /plain values/],
        ['"x".encode("Shift_JIS")', /Shift_JIS/],
        ['"x".dup.tap { |s| s.instance_variable_set(:@a, 1) }', /@a/],
        ['{nil => 1}', /keys/],
        ['{1.5 => 1}', /keys/],
        ['{[1] => 1}', /keys/],
        ['{a: 1, "a" => 2}', /two keys "a"/],
        ['{}.compare_by_identity.merge!({"a" => 1})', /class "Hash"/],
      ];
      const keys = await writtenByDalli(rows.map(([expression]) => expression));
      for (const [index, [expression, message]] of rows.entries()) {
        const key = keys[index] as string;
        const error = await client.get(key).catch((error: unknown) => error);
        expect([expression, error]).toEqual([expression, expect.any(DeserializationError)]);
        expect(error).toMatchObject({ key, flags: SERIALIZED, message: expect.stringMatching(message) });
        expect(Buffer.from((error as DeserializationError).data)).toEqual((await storedItem(server, key))?.data);
        expect(await client.has(key)).toBe(true);
      }
    });

    describe('compression', () => {
      const long: [value: unknown, expression: string, flags: number][] = [
        ['grüße '.repeat(1000), '"gr\\u00fc\\u00dfe " * 1000', SERIALIZED],
        [Array.from({ length: 5000 }, () => 'x'), '["x"] * 5000', SERIALIZED],
        [Buffer.alloc(5000, 'x'), '("x" * 5000).b', 0],
      ];

      it('by dalli above its own threshold, with both of its compressors, read by us', async () => {
        for (const [compressor, unzip] of [
          ['', inflateSync],
          ['compressor: Dalli::GzipCompressor', gunzipSync],
        ] as const) {
          const expressions = long.map(([, expression]) => expression);
          const keys = [
            ...(await writtenByDalli(expressions.slice(0, 2), { client: compressor })),
            ...(await writtenByDalli(expressions.slice(2), { client: compressor, set: 'raw: true' })),
          ];
          for (const [index, [value, , flags]] of long.entries()) {
            const item = await storedItem(server, keys[index] as string);
            expect(item?.flags).toBe(flags | COMPRESSED);
            expect(unzip(item?.data ?? '').length).toBeGreaterThan(4096);
            expect(await client.get(keys[index] as string)).toEqual(value);
          }
        }
      });

      it('by us, read by dalli', async () => {
        const rows = [-1, 1, 9].flatMap((compressLevel) =>
          long.map((row) => ({ row, compressLevel, key: uniqueKey() })),
        );
        for (const { row, compressLevel, key } of rows) {
          const [value, , flags] = row;
          await client.set(key, value, { minCompressLen: 1000, compressLevel });
          expect((await storedItem(server, key))?.flags).toBe(flags | COMPRESSED);
          expect(await client.get(key)).toEqual(value);
        }
        const answers = await readByDalli(
          rows.map(({ key }) => key),
          rows.map(({ row }) => row[1]),
        );
        expect(answers.map(([read, expected]) => read === expected)).toEqual(rows.map(() => true));
      });

      it('only from minCompressLen on, and where it helps', async () => {
        const keys = [uniqueKey(), uniqueKey(), uniqueKey(), uniqueKey()] as const;
        await client.set(keys[0], Buffer.alloc(100), { minCompressLen: 100 });
        await client.set(keys[1], Buffer.alloc(99), { minCompressLen: 100 });
        await client.set(keys[2], allBytes, { minCompressLen: 1 });
        await client.setMulti({ [keys[3]]: 'x'.repeat(100) }, { minCompressLen: 1, compressLevel: 0 });
        const flags = await Promise.all(keys.map(async (key) => (await storedItem(server, key))?.flags));
        expect(flags).toEqual([COMPRESSED, 0, 0, SERIALIZED]);
      });
    });

    it('flags that nobody knows, and bytes that are not what they say: an error, and the next operation works', async () => {
      const raw = new Client(server.address, { binary, codec: codecs.raw });
      const marshal = (body: string): Buffer => Buffer.from(`\x04\x08${body}`, 'latin1');
      const cases: [flags: number, data: Buffer][] = [
        [4, Buffer.from('x')],
        [16, Buffer.from('x')],
        [2 ** 32 - 1, Buffer.from('x')],
        [SERIALIZED, Buffer.alloc(0)],
        [SERIALIZED, Buffer.from('\x80\x04N.', 'latin1')], // a pickle
        [SERIALIZED, marshal('')],
        [SERIALIZED, marshal('[\x04\xff\xff\xff\x7f'.repeat(20))], // claims that would take all memory
        [SERIALIZED, marshal('"\x04\xff\xff\xff\x7f')],
        [SERIALIZED, marshal('"\xf0')],
        [SERIALIZED, marshal('@\x00')],
        [SERIALIZED, marshal(';\x06')],
        [SERIALIZED, marshal('00')],
        [SERIALIZED, marshal('l*\x06xx')],
        [SERIALIZED, marshal('f\x09abcd')],
        [SERIALIZED, marshal(`${'[\x06'.repeat(100_000)}0`)],
        [COMPRESSED, Buffer.from('xxxxxxxx')],
        [COMPRESSED, Buffer.alloc(0)],
        [SERIALIZED | COMPRESSED, Buffer.from('xxxxxxxx')],
      ];
      const keys = cases.map(() => uniqueKey());
      for (const [index, [flags, data]] of cases.entries()) await raw.set(keys[index] as string, { data, flags });
      for (const [index, key] of keys.entries()) {
        const error = await client.get(key).catch((error: unknown) => error);
        expect([index, error]).toEqual([index, expect.any(DeserializationError)]);
        expect(error).toMatchObject({ flags: cases[index]?.[0], data: cases[index]?.[1] });
      }
      await client.set(keys[0] as string, 'next');
      expect(await client.get(keys[0] as string)).toBe('next');
      await raw.close();
    });

    it('counters, which are raw to both', async () => {
      const dalliCounts = (key: string, call: string) =>
        askRuby<[number, string]>(
          `client = connect(input[0])\noutput = [client.${call}, shown(client.get(input[1]))]`.replace(
            'KEY',
            'input[1]',
          ),
          [server.address, key],
        );
      const ours = uniqueKey();
      await client.set(ours, Buffer.from('5'));
      expect(await dalliCounts(ours, 'incr(KEY, 95)')).toEqual([100, 'String UTF-8 "100"']);
      expect(await client.incr(ours, 5)).toBe(105);
      expect((await dalliCounts(ours, 'decr(KEY, 100)'))[0]).toBe(5);
      // memcached leaves blanks behind where the digits were.
      expect(Number(await client.get(ours))).toBe(5);

      const [theirs = ''] = await writtenByDalli(['10'], { set: 'raw: true' });
      expect(await client.decr(theirs)).toBe(9);
      expect((await dalliCounts(theirs, 'incr(KEY)'))[0]).toBe(10);

      const made = uniqueKey();
      expect((await dalliCounts(made, 'incr(KEY, 1, nil, 7)'))[0]).toBe(7);
      expect(await client.incr(made)).toBe(8);
      const initial = uniqueKey();
      expect(await client.incr(initial, 1, { initial: 41 })).toBe(41);
      expect((await dalliCounts(initial, 'incr(KEY)'))[0]).toBe(42);
      // What is no counter to dalli is none to us.
      const value = uniqueKey();
      await client.set(value, 5);
      await expect(client.incr(value)).rejects.toMatchObject({ name: 'ClientError' });
    });

    it('append and cas on the other’s items', async () => {
      const [theirs = ''] = await writtenByDalli(['"b"'], { set: 'raw: true' });
      expect(await client.append(theirs, 'c')).toBe(true);
      expect((await readByDalli([theirs], ['"bc"']))[0]?.[0]).toBe('String UTF-8 "bc"');
      const key = uniqueKey();
      await client.set(key, { n: 1 });
      const [, token] = await client.gets(key);
      await askRuby(`connect(input[0]).cas(input[1]) { |value| value.merge({ 'n' => value['n'] + 1 }) } or raise`, [
        server.address,
        key,
      ]);
      expect(await client.cas(key, 'ours', token as bigint)).toBe(false);
      expect(await client.get(key)).toEqual({ n: 2 });
    });

    it('refuses what it cannot say', async () => {
      const key = uniqueKey();
      for (const value of [undefined, () => 1, Symbol('x'), new Map(), new Set(), { x: 1n }])
        await expect(client.set(key, value)).rejects.toThrow(TypeError);
      expect(await client.has(key)).toBe(false);
    });
  });
});
