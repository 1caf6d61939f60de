import { uniqueKey } from '../support/unique-keys';
import { everywhere, failure, inEveryProtocol, store, stored } from '../support/clients';

/** The table "Values" of the contract. The numbers are a storage format: other programs, and older values, rely on them. */
const flags = {
  bytes: 0,
  pickle: 1,
  integer: 2,
  long: 4,
  zlib: 8,
  text: 16,
  json: 256,
  number: 512,
  bigint: 1024,
  boolean: 2048,
};
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

const rows: [name: string, value: unknown, bytes: string, flags: number][] = [
  ['a Buffer', Buffer.from([0, 255, 13, 10]), '\0\xff\r\n', flags.bytes],
  ['an empty Buffer', Buffer.alloc(0), '', flags.bytes],
  ['a string', 'text', 'text', flags.text],
  ['an empty string', '', '', flags.text],
  ['a string like a number', '12', '12', flags.text],
  ['unicode', 'Ünïcödé 鍵 🔑 \0', utf8('Ünïcödé 鍵 🔑 \0'), flags.text],
  ['protocol text', 'END\r\nVALUE x 0 1\r\n', 'END\r\nVALUE x 0 1\r\n', flags.text],
  ['0', 0, '0', flags.long],
  ['an integer', 42, '42', flags.long],
  ['a negative integer', -42, '-42', flags.long],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER, '9007199254740991', flags.long],
  ['the smallest safe integer', Number.MIN_SAFE_INTEGER, '-9007199254740991', flags.long],
  ['a bigint', 5n, '5', flags.long + flags.bigint],
  ['a large bigint', -(2n ** 100n), String(-(2n ** 100n)), flags.long + flags.bigint],
  ['true', true, '1', flags.integer + flags.boolean],
  ['false', false, '0', flags.integer + flags.boolean],
  ['a fraction', 0.1, '0.1', flags.text + flags.number],
  ['an integer that is not safe', 2 ** 60, String(2 ** 60), flags.text + flags.number],
  ['a huge number', 1.7976931348623157e308, '1.7976931348623157e+308', flags.text + flags.number],
  ['a tiny number', 5e-324, '5e-324', flags.text + flags.number],
  ['NaN', NaN, 'NaN', flags.text + flags.number],
  ['Infinity', Infinity, 'Infinity', flags.text + flags.number],
  ['-Infinity', -Infinity, '-Infinity', flags.text + flags.number],
  ['-0', -0, '-0', flags.text + flags.number],
  ['null', null, 'null', flags.text + flags.json],
  ['an array', [1, 'zwei', null, [true]], utf8('[1,"zwei",null,[true]]'), flags.text + flags.json],
  ['an empty array', [], '[]', flags.text + flags.json],
  ['an object', { a: { b: ['ü'] } }, utf8('{"a":{"b":["ü"]}}'), flags.text + flags.json],
  ['an empty object', {}, '{}', flags.text + flags.json],
];

inEveryProtocol(({ connect, server }) => {
  it.each(rows)('%s', async (_name, value, bytes, expectedFlags) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, value);
    expect(await stored(server(), key)).toEqual({ bytes, flags: expectedFlags });
    const read = await mc.get(key);
    expect(read).toEqual(value);
    expect(Object.is(read, value) || typeof value === 'object').toBe(true);
    expect(await mc.getMulti([key])).toEqual(new Map([[key, value]]));
    expect((await mc.gets(key))[0]).toEqual(value);
  });

  it.each([
    ['a Uint8Array', new Uint8Array([1, 2, 3])],
    ['an ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
    ['a view of a larger buffer', new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 4)],
  ])('%s is bytes, and is read as a Buffer', async (_name, value) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, value);
    expect(await stored(server(), key)).toEqual({ bytes: '\x01\x02\x03', flags: flags.bytes });
    const read = await mc.get(key);
    expect(Buffer.isBuffer(read)).toBe(true);
    expect(read).toEqual(Buffer.from([1, 2, 3]));
  });

  it('a class with toJSON is what that says, as in JSON.stringify', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, { at: new Date(0), gone: undefined });
    expect(await mc.get(key)).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  it('a lone surrogate, which UTF-8 cannot say, is refused', async () => {
    const mc = connect();
    const key = uniqueKey();
    await expect(mc.set(key, 'a\ud800b')).rejects.toThrow(TypeError);
    expect(await mc.has(key)).toBe(false);
  });

  it.each<[string, string, number, unknown]>([
    ['an int', '42', flags.long, 42],
    ['an int of an older client', '42', flags.integer, 42],
    ['a large int', '123456789012345678901234567890', flags.long, 123456789012345678901234567890n],
    ['a negative large int', '-9007199254740993', flags.long, -9007199254740993n],
    ['a bool', '1', flags.integer, 1],
    ['a str', 'text', flags.text, 'text'],
    ['bytes', 'bytes', flags.bytes, Buffer.from('bytes')],
    ['text with bits that nobody knows, which pylibmc ignores', 'text', flags.text + 2 ** 31 + 32, 'text'],
  ])('reads what pylibmc stores: %s', async (_name, bytes, itsFlags, expected) => {
    const mc = connect();
    const key = uniqueKey();
    await store(server(), key, bytes, itsFlags);
    expect(await mc.get(key)).toEqual(expected);
  });

  it.each([
    ['a pickle', '\x80\x05N.', flags.pickle],
    ['two types at once', '1', flags.long + flags.integer],
    ['an unknown type', 'x', flags.json],
    ['two types of text at once', '1', flags.text + flags.json + flags.number],
    ['no JSON', '{"a":', flags.text + flags.json],
    ['an empty JSON', '', flags.text + flags.json],
    ['no integer', 'twelve', flags.long],
    ['an empty integer', '', flags.long],
    ['no bigint', '1.5', flags.long + flags.bigint],
    ['no boolean', '2', flags.integer + flags.boolean],
    ['no number', 'one', flags.text + flags.number],
  ])('rejects what it cannot read, with data and flags: %s', async (_name, bytes, itsFlags) => {
    const mc = connect();
    const key = uniqueKey();
    await store(server(), key, Buffer.from(bytes, 'latin1'), itsFlags);
    for (const promise of [mc.get(key, 'default'), mc.gets(key), mc.getMulti([key])]) {
      const error = await failure(promise);
      expect(error).toMatchObject({
        name: 'DeserializationError',
        code: 'ERR_MEMCACHED_DESERIALIZATION',
        data: Buffer.from(bytes, 'latin1'),
        flags: itsFlags,
        key,
      });
    }
    await mc.set(key, 'readable');
    expect(await mc.get(key)).toBe('readable');
  });
});

everywhere(({ connect }) => {
  const nearlyOneMegabyte = 1024 * 1024 - 500;

  it.each([1, 1023, 4096, 16_384, 16_385, 65_536, 500_000, nearlyOneMegabyte, 1_500_000])(
    '%d bytes',
    async (length) => {
      const mc = connect();
      const key = uniqueKey();
      const value = Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
      await mc.set(key, value);
      const read = (await mc.get(key)) as Buffer;
      expect(read.equals(value)).toBe(true);
      const text = 'ü'.repeat(length / 2);
      await mc.set(key, text);
      expect((await mc.get(key)) === text).toBe(true);
    },
  );

  it('many large values in one call', async () => {
    const mc = connect();
    const keys = Array.from({ length: 12 }, () => uniqueKey());
    await Promise.all(keys.map((key, index) => mc.set(key, Buffer.alloc(1_000_000, index))));
    const found = await mc.getMulti<Buffer>(keys);
    expect([...found.values()].map((value) => [value.length, value[0], value.at(-1)])).toEqual(
      keys.map((_key, index) => [1_000_000, index, index]),
    );
  });
});
