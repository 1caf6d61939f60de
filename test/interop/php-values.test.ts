// Values: what PHP's memcached extension stores, codec 'php' reads, and the other way round; in both protocols.

import { Client, codecs, DeserializationError } from '../../lib/index';
import { storedItem } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPhp, describeWithPhp, phpVersions } from '../support/php-memcached';

/** What Debian 12 has, and the README says: a newer one should be looked at. */
const PROVED = /^3\.2\./;

const COMPRESSED = 1 << 4;
const ZLIB = 1 << 5;
const FASTLZ = 1 << 6;
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const bytesInPhp = 'implode(array_map("chr", range(0, 255)))';
const text = 'grüße 鍵 \u{1f511} '.repeat(500);
const textInPhp = 'str_repeat("gr\\u{fc}\\u{df}e \\u{9375} \\u{1f511} ", 500)';

let server: MemcachedServer;

describeWithPhp('values with php-memcached', () => {
  beforeAll(async () => {
    server = await startMemcached();
  });

  afterAll(stopAll);

  it('is the version that the README tells of', async () => {
    expect((await phpVersions()).memcached).toMatch(PROVED);
  });

  describe.each([
    ['text', false],
    ['binary', true],
  ])('in the %s protocol', (_protocol, binary) => {
    let client: Client;

    beforeAll(() => {
      client = new Client(server.address, { binary, codec: 'php' });
    });

    afterAll(() => client.close());

    const php = <T>(program: string, input: Record<string, unknown>): Promise<T> =>
      askPhp(program, { server: server.address, binary, ...input });

    /** Has PHP store what expressions evaluate to; the keys. */
    async function writtenByPhp(
      expressions: readonly string[],
      options: Record<string, number | boolean> = {},
      ini: Record<string, string> = {},
    ): Promise<string[]> {
      const keys = expressions.map(() => uniqueKey('theirs'));
      await php(
        `
foreach ($input['ini'] as $name => $value) ini_set($name, $value);
$mc = connect([$input['server']], ['BINARY_PROTOCOL' => $input['binary']] + $input['options']);
foreach ($input['expressions'] as $index => $expression)
    must($mc->set($input['keys'][$index], eval("return $expression;")), $mc);
`,
        { expressions, keys, options, ini },
      );
      return keys;
    }

    /** What PHP reads, and what expressions evaluate to, in PHP's own notation. */
    function readByPhp(
      keys: readonly string[],
      expressions: readonly string[],
      options: Record<string, number> = {},
    ): Promise<[read: string, expected: string][]> {
      return php(
        `
$mc = connect([$input['server']], ['BINARY_PROTOCOL' => $input['binary']] + $input['options']);
foreach ($input['keys'] as $index => $key) {
    $value = $mc->get($key);
    if ($mc->getResultCode() !== Memcached::RES_SUCCESS) throw new Exception($mc->getResultMessage());
    $output[] = [shown($value), shown(eval("return {$input['expressions'][$index]};"))];
}
`,
        { keys, expressions, options },
      );
    }

    /** The value, PHP's expression for it, and the flags' type. */
    const both: [what: string, value: unknown, expression: string, type: number][] = [
      ['string', 'hello', '"hello"', 0],
      ['string of digits', '12', '"12"', 0],
      ['empty string', '', '""', 0],
      ['string beyond ASCII', 'grüße 鍵 \u{1f511}', '"gr\\u{fc}\\u{df}e \\u{9375} \\u{1f511}"', 0],
      ['string with what ends an answer', 'x\0\r\nEND\r\n', '"x\\0\\r\\nEND\\r\\n"', 0],
      ['bytes', allBytes, bytesInPhp, 0],
      ['0', 0, '0', 1],
      ['negative integer', -12345, '-12345', 1],
      ['largest safe integer', 2 ** 53 - 1, '9007199254740991', 1],
      ['bigint', 2n ** 62n, '4611686018427387904', 1],
      ['largest', 2n ** 63n - 1n, 'PHP_INT_MAX', 1],
      ['smallest', -(2n ** 63n), 'PHP_INT_MIN', 1],
      ['fraction', 1.5, '1.5', 2],
      ['long fraction', 0.1 + 0.2, '0.1 + 0.2', 2],
      ['fraction below 1', -0.25, '-0.25', 2],
      ['tiny fraction', 5e-324, '5e-324', 2],
      ['huge float', 1.7976931348623157e308, 'PHP_FLOAT_MAX', 2],
      ['integer above the safe ones', 2 ** 53, '2.0 ** 53', 2],
      ['1e21', 1e21, '1e21', 2],
      ['NaN', NaN, 'NAN', 2],
      ['Infinity', Infinity, 'INF', 2],
      ['-Infinity', -Infinity, '-INF', 2],
      ['-0', -0, '-0.0', 2],
      ['true', true, 'true', 3],
      ['false', false, 'false', 3],
    ];

    /** What its serializers store: other types there and here. */
    const structures: [what: string, value: unknown, asObjects: string, asArrays: string][] = [
      ['null', null, 'null', 'null'],
      ['array', [1, 'ü', null, 1.5, false, [], ['x']], '[1, "\\u{fc}", null, 1.5, false, [], ["x"]]', ''],
      ['empty array', [], '[]', ''],
      ['object', { a: { b: [true] } }, '(object) ["a" => (object) ["b" => [true]]]', '["a" => ["b" => [true]]]'],
      ['empty object', {}, '(object) []', '[]'],
      [
        'string in an object',
        { 'ключ"': 'x"\\/\n' },
        '(object) ["ключ\\"" => "x\\"\\\\/\\n"]',
        '["ключ\\"" => "x\\"\\\\/\\n"]',
      ],
    ];

    it.each(both)('%s: stored by us, read by PHP', async (_what, value, expression, type) => {
      const key = uniqueKey();
      await client.set(key, value);
      const [[read, expected] = []] = await readByPhp([key], [expression]);
      expect(read).toBe(expected);
      expect((await storedItem(server, key))?.flags).toBe(type);
      expect(await client.get(key)).toEqual(value);
    });

    it('stored by PHP, read by us', async () => {
      const keys = await writtenByPhp(both.map(([, , expression]) => expression));
      for (const [index, [what, value, , type]] of both.entries()) {
        const key = keys[index] as string;
        expect([what, (await storedItem(server, key))?.flags]).toEqual([what, type]);
        expect([what, await client.get(key)]).toEqual([what, value]);
      }
      expect([...(await client.getMulti(keys)).values()]).toEqual(both.map(([, value]) => value));
    });

    it('null, arrays and objects: stored by us as JSON, read by PHP whatever its serializer is', async () => {
      const keys = structures.map(() => uniqueKey());
      await client.setMulti(structures.map(([, value], index) => [keys[index] as string, value] as const));
      const objects = structures.map(([, , asObjects]) => asObjects);
      const arrays = structures.map(([, , asObjects, asArrays]) => asArrays || asObjects);
      // OPT_SERIALIZER: PHP, igbinary, JSON; and JSON_ARRAY, which alone makes arrays of objects.
      for (const [serializer, expressions] of [
        [1, objects],
        [2, objects],
        [3, objects],
        [4, arrays],
      ] as const) {
        const answers = await readByPhp(keys, expressions, { SERIALIZER: serializer });
        expect(answers.map(([read]) => read)).toEqual(answers.map(([, expected]) => expected));
      }
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(structures.map(([, value]) => value));
    });

    it.each([
      ['JSON', 3, 6],
      ['PHP', 1, 4],
    ])('stored by PHP with its %s serializer, read by us', async (_name, serializer, type) => {
      const keys = await writtenByPhp(
        structures.map(([, , asObjects]) => asObjects),
        { SERIALIZER: serializer },
      );
      for (const [index, [what, value]] of structures.entries()) {
        const key = keys[index] as string;
        expect([what, (await storedItem(server, key))?.flags]).toEqual([what, type]);
        expect([what, await client.get(key)]).toEqual([what, value]);
      }
    });

    it('what PHP’s own serializer can say beyond JSON', async () => {
      const rows: [expression: string, value: unknown][] = [
        ['["a" => 1, "b" => ["c" => null]]', { a: 1, b: { c: null } }],
        ['[1 => "one", 5 => "five"]', { 1: 'one', 5: 'five' }],
        ['[-1 => "x"]', { '-1': 'x' }],
        [`["bytes" => ${bytesInPhp}]`, { bytes: allBytes }],
        ['[PHP_INT_MAX, PHP_INT_MIN, 2**53]', [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]],
        ['[NAN, INF, -INF, -0.0, 1.0, 1e25, 1.5e-7]', [NaN, Infinity, -Infinity, -0, 1, 1e25, 1.5e-7]],
        ['["__proto__" => ["x" => 1]]', JSON.parse('{"__proto__":{"x":1}}')],
        ['["a;b:{}" => "s:3:\\"abc\\";"]', { 'a;b:{}': 's:3:"abc";' }],
        ['(object) ["constructor" => 1]', { constructor: 1 }],
        ['array_fill(0, 5000, ["id" => 1.25])', Array.from({ length: 5000 }, () => ({ id: 1.25 }))],
      ];
      const keys = await writtenByPhp(
        rows.map(([expression]) => expression),
        { SERIALIZER: 1, COMPRESSION: false },
      );
      for (const [index, [expression, value]] of rows.entries())
        expect([expression, await client.get(keys[index] as string)]).toEqual([expression, value]);
      expect(({} as Record<string, unknown>).x).toBeUndefined();
    });

    it('what only PHP can read rejects with the bytes and the flags', async () => {
      const rows: [expression: string, serializer: number, type: number, message: RegExp][] = [
        ['new ArrayObject([1])', 1, 4, /class "ArrayObject"/],
        ['new DateTime("2020-01-01")', 1, 4, /class "DateTime"/],
        ['(function () { $o = new stdClass; return [$o, $o]; })()', 1, 4, /references/],
        ['(function () { $a = [1]; $a[1] = &$a[0]; return $a; })()', 1, 4, /references/],
        ['["x" => [1]]', 2, 5, /igbinary/],
        ['["x" => [1]]', 5, 7, /msgpack/],
      ];
      for (const [expression, serializer, type, message] of rows) {
        const [key = ''] = await writtenByPhp([expression], { SERIALIZER: serializer });
        const error = await client.get(key).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(DeserializationError);
        expect(error).toMatchObject({ key, flags: type, message: expect.stringMatching(message) });
        expect(Buffer.from((error as DeserializationError).data)).toEqual((await storedItem(server, key))?.data);
        expect(await client.has(key)).toBe(true);
      }
    });

    it('the application’s own flags are not ours to read', async () => {
      const [key = ''] = await writtenByPhp(['"text"'], { USER_FLAGS: 65535 });
      expect((await storedItem(server, key))?.flags).toBe(0xffff0000);
      expect(await client.get(key)).toBe('text');
    });

    describe('compression', () => {
      const rows: [value: unknown, expression: string, type: number][] = [
        [text, textInPhp, 0],
        [Buffer.concat(Array.from({ length: 50 }, () => allBytes)), `str_repeat(${bytesInPhp}, 50)`, 0],
        [Array.from({ length: 2000 }, () => 'x'), 'array_fill(0, 2000, "x")', 6],
      ];

      it('by PHP with zlib above its own threshold, read by us', async () => {
        const options = { COMPRESSION_TYPE: 1, SERIALIZER: 3 };
        const keys = await writtenByPhp(
          rows.map(([, expression]) => expression),
          options,
        );
        for (const [index, [value, , type]] of rows.entries()) {
          const key = keys[index] as string;
          expect((await storedItem(server, key))?.flags).toBe(type | COMPRESSED | ZLIB);
          expect(await client.get(key)).toEqual(value);
        }
        const [serialized = ''] = await writtenByPhp(['array_fill(0, 2000, "x")'], { ...options, SERIALIZER: 1 });
        expect((await storedItem(server, serialized))?.flags).toBe(4 | COMPRESSED | ZLIB);
        expect(await client.get(serialized)).toEqual(rows[2]?.[0]);
      });

      it('by PHP just at its threshold of 2000 bytes', async () => {
        const keys = await writtenByPhp(['str_repeat("x", 1999)', 'str_repeat("x", 2000)'], { COMPRESSION_TYPE: 1 });
        const flags = await Promise.all(keys.map(async (key) => (await storedItem(server, key))?.flags));
        expect(flags).toEqual([0, COMPRESSED | ZLIB]);
        expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(['x'.repeat(1999), 'x'.repeat(2000)]);
      });

      it('by us, read by PHP', async () => {
        for (const compressLevel of [-1, 1, 9]) {
          const keys = rows.map(() => uniqueKey());
          for (const [index, [value]] of rows.entries())
            await client.set(keys[index] as string, value, { minCompressLen: 1000, compressLevel });
          for (const [index, [, , type]] of rows.entries())
            expect((await storedItem(server, keys[index] as string))?.flags).toBe(type | COMPRESSED | ZLIB);
          const answers = await readByPhp(
            keys,
            rows.map(([, expression]) => expression),
          );
          expect(answers.map(([read, expected]) => read === expected)).toEqual([true, true, true]);
          expect(await client.get(keys[0] as string)).toBe(text);
        }
      });

      it('only from minCompressLen on, where it helps, and never of counters', async () => {
        const [long, short, dense, number, level0] = Array.from({ length: 5 }, () => uniqueKey()) as [
          string,
          string,
          string,
          string,
          string,
        ];
        await client.setMulti({ [long]: 'ü'.repeat(500), [short]: 'ü'.repeat(499) }, { minCompressLen: 1000 });
        await client.set(dense, allBytes, { minCompressLen: 1 });
        await client.set(number, 1111111111111111, { minCompressLen: 1 });
        await client.set(level0, text, { minCompressLen: 1, compressLevel: 0 });
        const flags = [long, short, dense, number, level0].map(async (key) => (await storedItem(server, key))?.flags);
        expect(await Promise.all(flags)).toEqual([COMPRESSED | ZLIB, 0, 0, 1, 0]);
        expect(await client.incr(number)).toBe(1111111111111112);
      });

      it('by FastLZ, PHP’s default, rejects and says what to do', async () => {
        const [key = ''] = await writtenByPhp([textInPhp]);
        expect((await storedItem(server, key))?.flags).toBe(COMPRESSED | FASTLZ);
        const error = await client.get(key).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(DeserializationError);
        expect(error).toMatchObject({ key, message: expect.stringMatching(/FastLZ.*COMPRESSION_ZLIB/) });
        expect(Buffer.from((error as DeserializationError).data)).toEqual((await storedItem(server, key))?.data);
      });
    });

    it('flags that nobody knows, and bytes that are not what they say: an error, and the next operation works', async () => {
      const raw = new Client(server.address, { binary, codec: codecs.raw });
      const zlib = COMPRESSED | ZLIB;
      const cases: [flags: number, data: string][] = [
        ...Array.from({ length: 8 }, (_, type): [number, string] => [8 + type, 'x']),
        [1, 'x'],
        [1, ''],
        [2, 'x'],
        [2, ''],
        [3, 'x'],
        [4, ''],
        [4, 'a:999999999:{i:0;s:0:"";i:0;s:-12:"'],
        [6, ''],
        [6, '{'],
        [COMPRESSED, 'xxxxxxxx'],
        [COMPRESSED | (1 << 7), 'xxxxxxxx'],
        [zlib, ''],
        [zlib, 'xxx'],
        [zlib, 'xxxxxxxx'],
        [zlib, '\0\0\0\0'],
        [2 ** 32 - 1, 'x'],
      ];
      const keys = cases.map(() => uniqueKey());
      for (const [index, [flags, data]] of cases.entries()) await raw.set(keys[index] as string, { data, flags });
      for (const [index, key] of keys.entries()) {
        const error = await client.get(key).catch((error: unknown) => error);
        expect([cases[index], error]).toEqual([cases[index], expect.any(DeserializationError)]);
      }
      await client.set(keys[0] as string, 'next');
      expect(await client.get(keys[0] as string)).toBe('next');
      await raw.close();
    });

    describe('counters', () => {
      const phpCounts = (key: string, method: string, delta: number) =>
        php<[number, number]>(
          `
$mc = connect([$input['server']], ['BINARY_PROTOCOL' => $input['binary']]);
$output = [must($mc->{$input['method']}($input['key'], $input['delta']), $mc), $mc->get($input['key'])];
`,
          { key, method, delta },
        );

      it('that we made are counted by both', async () => {
        const key = uniqueKey();
        await client.set(key, 5);
        expect(await phpCounts(key, 'increment', 95)).toEqual([100, 100]);
        expect(await client.incr(key, 5)).toBe(105);
        expect(await phpCounts(key, 'decrement', 100)).toEqual([5, 5]);
        // memcached leaves blanks behind where the digits were.
        expect(await client.get(key)).toBe(5);
      });

      it('that PHP made are counted by both', async () => {
        const [key = ''] = await writtenByPhp(['10']);
        expect(await client.decr(key)).toBe(9);
        expect(await client.get(key)).toBe(9);
        expect(await phpCounts(key, 'increment', 1)).toEqual([10, 10]);
      });

      it('that PHP read as strings', async () => {
        const [key = ''] = await writtenByPhp(['"41"']);
        expect(await client.incr(key)).toBe(42);
        expect(await client.get(key)).toBe('42');
      });

      it('with an initial value of ours', async () => {
        const ours = uniqueKey();
        expect(await client.incr(ours, 1, { initial: 7 })).toBe(7);
        expect(await phpCounts(ours, 'increment', 1)).toEqual([8, 8]);
        expect(await client.get(ours)).toBe(8);
      });

      if (binary) {
        it('with an initial value of theirs', async () => {
          const theirs = uniqueKey();
          await php(
            `
$mc = connect([$input['server']], ['BINARY_PROTOCOL' => true]);
$output = must($mc->increment($input['key'], 1, 7), $mc);
`,
            { key: theirs },
          );
          expect(await client.incr(theirs)).toBe(8);
          // The server made it, with flags 0: a string to both.
          expect(await client.get(theirs)).toBe('8');
        });
      }
    });

    it('append, prepend, cas, add and replace on the other’s items', async () => {
      const [theirs = ''] = await writtenByPhp(['"b"'], { COMPRESSION: false });
      expect(await client.append(theirs, 'c')).toBe(true);
      const [[read] = []] = await readByPhp([theirs], ['1']);
      expect(read).toBe(JSON.stringify('s:2:"bc";'));
      const key = uniqueKey();
      await client.set(key, 'ours');
      const [, token] = await client.gets(key);
      const swapped = await php<boolean>(
        `
$mc = connect([$input['server']], ['BINARY_PROTOCOL' => $input['binary']]);
$found = $mc->get($input['key'], null, Memcached::GET_EXTENDED);
$output = $mc->cas($found['cas'], $input['key'], 'theirs');
`,
        { key },
      );
      expect(swapped).toBe(true);
      expect(await client.cas(key, 'ours again', token as bigint)).toBe(false);
      expect(await client.get(key)).toBe('theirs');
      expect(await client.add(key, 1)).toBe(false);
      expect(await client.replace(key, [1])).toBe(true);
      expect((await readByPhp([key], ['[1]']))[0]).toEqual([expect.any(String), JSON.stringify('a:1:{i:0;i:1;}')]);
    });

    it('refuses what PHP cannot hold', async () => {
      const key = uniqueKey();
      for (const value of [undefined, () => 1, Symbol('x'), new Map(), new Set(), { x: 1n }])
        await expect(client.set(key, value)).rejects.toThrow(TypeError);
      for (const value of [2n ** 63n, -(2n ** 63n) - 1n])
        await expect(client.set(key, value)).rejects.toThrow(RangeError);
      expect(await client.has(key)).toBe(false);
    });
  });
});
