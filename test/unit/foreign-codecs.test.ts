// The codecs for other clients' formats, without those clients: what no sane client writes. test/interop has the rest.

import { deflateSync } from 'node:zlib';
import { Client, codecs, DeserializationError, type Codec, type CodecName } from '../../lib/index';

const PHP_ZLIB = (1 << 4) | (1 << 5);
const DALLI_ZLIB = 2;

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** xorshift: the same on every run. */
function* randoms(): Generator<number, never> {
  let state = 2463534242;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

describe('a name for a codec', () => {
  it.each(Object.keys(codecs) as CodecName[])('%s', async (codec) => {
    const client = new Client('127.0.0.1', { codec });
    const copy = client.clone();
    expect(copy.serialize('ü').slice(1)).toEqual(codecs[codec].serialize('ü').slice(1));
    expect(codecs[codec].name).toBe(codec);
    await Promise.all([client.close(), copy.close()]);
  });

  it('that does not exist is a TypeError which says what does', () => {
    for (const codec of ['ruby', '', 'toString', '__proto__'])
      expect(() => new Client('127.0.0.1', { codec: codec as CodecName })).toThrow(
        /unknown codec .*pylibmc, structured, raw, php, dalli, memcached, memjs/,
      );
    for (const codec of [null, 5, {}, { serialize: () => 1 }])
      expect(() => new Client('127.0.0.1', { codec: codec as unknown as Codec })).toThrow(TypeError);
  });
});

describe('compression by a codec', () => {
  const set = async (codec: Codec, value: unknown): Promise<unknown> => {
    // Nothing listens there: only what is refused before it is sent counts.
    const client = new Client('127.0.0.1:1', { codec, timeout: 1000 });
    const errors = [
      await client.set('key', value, { minCompressLen: 1 }).catch((error: unknown) => error),
      await client.setMulti({ key: value }, { minCompressLen: 1 }).catch((error: unknown) => error),
    ];
    client.destroy();
    expect(errors[0]).toEqual(errors[1]);
    return errors[0];
  };
  const plain: Codec = { zlib: false, serialize: (value) => [String(value), 0], deserialize: (data) => data };

  it('is refused where there is none', async () => {
    for (const codec of [plain, codecs.raw, codecs.memjs, codecs.memcached]) {
      const error = await set(codec, 'text');
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/minCompressLen/);
    }
  });

  it('must make bytes and flags', async () => {
    for (const nonsense of ['text', ['text'], [5, 0], ['text', -1], ['text', 2 ** 32]]) {
      const error = await set({ ...plain, compress: () => nonsense as never }, 'text');
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/^compress must return/);
    }
  });

  it('may throw', async () => {
    const error = new Error('on purpose');
    const compress = () => {
      throw error;
    };
    expect(await set({ ...plain, compress }, 'text')).toBe(error);
  });
});

describe('a compressed value that lies', () => {
  const php = (claimed: number, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(claimed);
    return Buffer.concat([length, data]);
  };
  const packed = deflateSync(Buffer.alloc(100_000));

  it('about its length', () => {
    expect(codecs.php.deserialize(php(100_000, packed), PHP_ZLIB)).toBe('\0'.repeat(100_000));
    for (const claimed of [0, 1, 99_999, 100_001, 2 ** 30, 2 ** 31, 2 ** 32 - 1]) {
      const error = thrownBy(() => codecs.php.deserialize(php(claimed, packed), PHP_ZLIB));
      expect([claimed, error]).toEqual([claimed, expect.any(DeserializationError)]);
      expect(error).toMatchObject({ flags: PHP_ZLIB, data: php(claimed, packed) });
    }
  });

  it('is not inflated beyond what it claims', () => {
    const bomb = php(1000, deflateSync(Buffer.alloc(256 * 1024 * 1024)));
    const before = process.memoryUsage().rss;
    expect(() => codecs.php.deserialize(bomb, PHP_ZLIB)).toThrow(DeserializationError);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('is not inflated beyond maxInflated, 64 MiB by default', () => {
    const limit = 64 * 2 ** 20;
    const [fits, bomb] = [deflateSync(Buffer.alloc(limit)), deflateSync(Buffer.alloc(limit + 1))];
    expect(codecs.dalli.deserialize(fits, DALLI_ZLIB)).toHaveLength(limit);
    for (const read of [
      () => codecs.dalli.deserialize(bomb, DALLI_ZLIB),
      () => codecs.php.deserialize(php(limit + 1, bomb), PHP_ZLIB),
      () => codecs.dalli.deserialize(packed, DALLI_ZLIB, 99_999),
      () => codecs.php.deserialize(php(100_000, packed), PHP_ZLIB, 99_999),
    ])
      expect(thrownBy(read)).toEqual(expect.any(DeserializationError));
    expect(codecs.dalli.deserialize(packed, DALLI_ZLIB, 100_000)).toHaveLength(100_000);
    const mc = new Client('127.0.0.1:1', { codec: 'php', maxInflated: 99_999 });
    expect(() => mc.deserialize(php(100_000, packed), PHP_ZLIB)).toThrow(/99999 \(maxInflated\)/);
    mc.destroy();
  });

  it('or is cut off', () => {
    for (let length = 0; length < packed.length; length += 7) {
      const cut = packed.subarray(0, length);
      expect(() => codecs.php.deserialize(php(100_000, cut), PHP_ZLIB)).toThrow(DeserializationError);
      expect(() => codecs.dalli.deserialize(cut, DALLI_ZLIB)).toThrow(DeserializationError);
    }
  });
});

describe('what PHP serialized, broken', () => {
  const flags = 4;
  const read = (text: string) => codecs.php.deserialize(Buffer.from(text, 'latin1'), flags);

  it.each([
    '',
    'N',
    'N;N;',
    'b:2;',
    'b:;',
    'i:;',
    'i:1',
    'i:1.5;',
    'i:0x10;',
    'd:;',
    'd:abc;',
    'd:nan;',
    's:1:"";',
    's:0:"x";',
    's:-1:"";',
    's:99999999999:"";',
    's:1:"x"',
    's:1:x;',
    's: 1:"x";',
    'a:1:{}',
    'a:0:{i:0;N;}',
    'a:1:{i:0;N;',
    'a:1:{N;N;}',
    'a:1:{d:1;N;}',
    'a:-1:{}',
    'a:9999999999:{i:0;N;}',
    'a:1:{s:1:"\xff";N;}',
    'O:8:"stdClass":1:{}',
    'O:3:"Foo":0:{}',
    'O:11:"constructor":0:{}',
    'C:3:"Foo":0:{}',
    'E:5:"A:One";',
    'r:1;',
    'R:1;',
    'x:1;',
    'a:1:{i:0;'.repeat(100_000),
    // Its length leads back to where it was: other readers never come to an end.
    'a:999999999:{i:0;s:0:"";i:0;s:-12:"',
  ])('%.40j', (text) => {
    const error = thrownBy(() => read(text));
    expect(error).toBeInstanceOf(DeserializationError);
    expect(error).toMatchObject({ flags, data: Buffer.from(text, 'latin1') });
  });

  it('but 400 levels are not too many', () => {
    const nested = `${'a:1:{i:0;'.repeat(400)}N;${'}'.repeat(400)}`;
    expect(JSON.stringify(read(nested))).toBe(`${'['.repeat(400)}null${']'.repeat(400)}`);
  });

  it('anywhere: a value or an error, soon', () => {
    const whole = 'a:3:{s:1:"a";a:2:{i:0;d:1.5E+25;i:1;s:3:"x;}";}i:5;O:8:"stdClass":1:{s:1:"b";b:1;}s:0:"";N;}';
    expect(read(whole)).toEqual({ a: [1.5e25, 'x;}'], 5: { b: true }, '': null });
    const random = randoms();
    for (let round = 0; round < 20_000; ++round) {
      const bytes = Buffer.from(whole);
      for (let changes = random.next().value % 4; changes >= 0; --changes)
        bytes[random.next().value % bytes.length] = '0123456789:;{}"-+.aidsbNO'.charCodeAt(random.next().value % 25);
      const cut = bytes.subarray(0, random.next().value % (bytes.length + 1));
      const error = thrownBy(() => codecs.php.deserialize(cut, flags));
      if (error !== undefined) expect(error).toBeInstanceOf(DeserializationError);
    }
  });
});

describe('what Ruby marshalled, broken', () => {
  /** `[:a, "b", :a, Hash.new(1).merge(a: x = [2**70, 1.5]), x, "c".b]`, as Ruby 3.1 writes it. */
  const linked = Buffer.from(
    '04085b0b3a066149220662063a0645543b007d063b005b076c2b0a000000000000000040006608312e3569064008220663',
    'hex',
  );

  it('anywhere: a value or an error, soon', () => {
    const random = randoms();
    const [sample] = codecs.dalli.serialize([1.5, 'ü', { a: [null, true, 2 ** 40, -300, 'x'.repeat(300)] }, 1.5]);
    expect(codecs.dalli.deserialize(Buffer.from(sample as Buffer), 1)).toEqual([
      1.5,
      'ü',
      { a: [null, true, 2 ** 40, -300, 'x'.repeat(300)] },
      1.5,
    ]);
    expect(codecs.dalli.deserialize(linked, 1)).toEqual([
      'a',
      'b',
      'a',
      { a: [2n ** 70n, 1.5] },
      [2n ** 70n, 1.5],
      Buffer.from('c'),
    ]);
    for (const original of [sample as Buffer, linked]) {
      for (let round = 0; round < 10_000; ++round) {
        const bytes = Buffer.from(original);
        for (let changes = random.next().value % 4; changes >= 0; --changes)
          bytes[2 + (random.next().value % (bytes.length - 2))] = random.next().value & 0xff;
        const cut = bytes.subarray(0, random.next().value % (bytes.length + 1));
        const error = thrownBy(() => codecs.dalli.deserialize(cut, 1));
        if (error !== undefined) expect(error).toBeInstanceOf(DeserializationError);
      }
    }
  });

  it('claims nothing that it does not have', () => {
    // Arrays in arrays of two billion members each.
    const claims = Buffer.from(`\x04\x08${'[\x04\xff\xff\xff\x7f'.repeat(100)}`, 'latin1');
    const before = process.memoryUsage().rss;
    expect(() => codecs.dalli.deserialize(claims, 1)).toThrow(DeserializationError);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('but 400 levels are not too many', () => {
    let nested: unknown = null;
    for (let level = 0; level < 400; ++level) nested = [nested];
    const [data, flags] = codecs.dalli.serialize(nested);
    expect(JSON.stringify(codecs.dalli.deserialize(Buffer.from(data as Buffer), flags))).toBe(JSON.stringify(nested));
  });
});
