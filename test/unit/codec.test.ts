import * as vm from 'node:vm';
import { codecs, DeserializationError } from '../../lib/index';

const { pylibmc } = codecs;
const roundTrip = (value: unknown): unknown => {
  const [data, flags] = pylibmc.serialize(value);
  return pylibmc.deserialize(typeof data === 'string' ? Buffer.from(data) : Buffer.from(data), flags);
};

describe('the default codec', () => {
  it.each<[unknown, string, number]>([
    ['ü', 'ü', 16],
    ['', '', 16],
    [0, '0', 4],
    [-7, '-7', 4],
    [Number.MAX_SAFE_INTEGER, '9007199254740991', 4],
    [2n ** 64n, '18446744073709551616', 4 + 1024],
    [true, '1', 2 + 2048],
    [false, '0', 2 + 2048],
    [1.5, '1.5', 16 + 512],
    [2 ** 53, '9007199254740992', 16 + 512],
    [NaN, 'NaN', 16 + 512],
    [-Infinity, '-Infinity', 16 + 512],
    [-0, '-0', 16 + 512],
    [null, 'null', 16 + 256],
    [[1], '[1]', 16 + 256],
    [{ a: 1 }, '{"a":1}', 16 + 256],
    [new Date(0), '"1970-01-01T00:00:00.000Z"', 16 + 256],
  ])('%p is %j with flags %d', (value, text, flags) => {
    expect(pylibmc.serialize(value)).toEqual([text, flags]);
    if (!(value instanceof Date)) expect(roundTrip(value)).toEqual(value);
  });

  it('takes bytes as they are, without a copy', () => {
    const bytes = new Uint8Array([1, 2]);
    expect(pylibmc.serialize(bytes)[0]).toBe(bytes);
    expect(pylibmc.serialize(bytes.buffer)).toEqual([bytes, 0]);
    expect(roundTrip(bytes)).toEqual(Buffer.from([1, 2]));
  });

  it('takes what says itself what it is in JSON, and objects of classes', () => {
    class Point {
      x = 1;
      y = [2];
    }
    expect(roundTrip(new Point())).toEqual({ x: 1, y: [2] });
    const error = Object.assign(new Error('no'), { toJSON: () => ({ message: 'no' }) });
    expect(roundTrip(error)).toEqual({ message: 'no' });
    expect(roundTrip(Object.create(null))).toEqual({});
  });

  it('refuses what JSON would lose, and says why', () => {
    const lost = [new Map(), new Set(), new WeakMap(), new TypeError('no'), /a/, new Float64Array(2)];
    for (const value of [...lost, new DataView(new ArrayBuffer(1)), new SharedArrayBuffer(1)])
      expect(() => pylibmc.serialize(value)).toThrow(/structured/);
    expect(() => pylibmc.serialize(Promise.resolve(1))).toThrow(/await/);
    expect(() => pylibmc.serialize(vm.runInNewContext('new Error("of another realm")'))).toThrow(/Error/);
    for (const value of [undefined, () => 1, Symbol('s')]) expect(() => pylibmc.serialize(value)).toThrow(TypeError);
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    expect(() => pylibmc.serialize(cyclic)).toThrow(TypeError);
  });

  it('refuses it inside of other values, too, and nothing that is really empty', () => {
    const empty = [{}, [{}], { a: {}, b: [] }, [{ text: '{}' }], { date: new Date(0), none: {} }];
    for (const value of empty) expect(roundTrip(value)).toEqual(JSON.parse(JSON.stringify(value)));
    class Own {
      readonly inside = new Map([[1, 2]]);
      toJSON(): unknown {
        return {};
      }
    }
    expect(roundTrip([new Own()])).toEqual([{}]);
    for (const value of [new Map([[1, 2]]), new Set([1]), /a/, Promise.resolve(1), new ArrayBuffer(1)]) {
      expect(() => pylibmc.serialize([value])).toThrow(TypeError);
      expect(() => pylibmc.serialize({ a: [{ b: 1, c: value }] })).toThrow(TypeError);
    }
  });

  it('takes an ArrayBuffer of another realm for one', () => {
    const bytes = vm.runInNewContext('new Uint8Array([1, 2]).buffer') as ArrayBuffer;
    expect(roundTrip(bytes)).toEqual(Buffer.from([1, 2]));
    expect(() => pylibmc.serialize(vm.runInNewContext('new SharedArrayBuffer(1)'))).toThrow(/structured/);
  });

  it.each([
    ['12', 2, 12],
    ['-12', 4, -12],
    ['12  ', 4, 12],
    ['9007199254740993', 4, 9007199254740993n],
    ['12  ', 4 + 1024, 12n],
    ['1 ', 2 + 2048, true],
    ['1', 2, 1],
    ['text', 16 + 32, 'text'],
  ])('reads %j with flags %d', (text, flags, expected) => {
    expect(pylibmc.deserialize(Buffer.from(text), flags)).toEqual(expected);
  });

  it.each([
    ['pickle', 1],
    ['1', 2 + 4],
    ['x', 256],
    ['x', 16 + 1024],
    ['x', 16 + 256 + 512],
    ['', 4],
    ['1.0', 4],
    ['0x10', 4],
    ['', 16 + 512],
    [' ', 16 + 512],
    ['abc', 16 + 512],
    ['{', 16 + 256],
    ['yes', 2 + 2048],
  ])('cannot read %j with flags %d', (text, flags) => {
    let error: unknown;
    try {
      pylibmc.deserialize(Buffer.from(text), flags);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DeserializationError);
    expect(error).toMatchObject({ data: Buffer.from(text), flags });
  });
});

it('the codecs cannot be changed', () => {
  expect(Object.isFrozen(codecs)).toBe(true);
  expect(Object.keys(codecs).sort()).toEqual(['dalli', 'memcached', 'memjs', 'php', 'pylibmc', 'raw', 'structured']);
  for (const codec of Object.values(codecs)) expect(Object.isFrozen(codec)).toBe(true);
});
