import { describeType } from '../../lib/describe-type';
import { assertKey, badKeyError, isTextByte, keyBytes, withPrefix } from '../../lib/options/keys';
import { quoteKey } from '../../lib/errors';

it('the text protocol carries every byte above the blank but 127', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  expect(bytes.filter((byte) => !isTextByte(byte))).toEqual([...bytes.slice(0, 33), 127]);
});

it('a key is its UTF-8 bytes', () => {
  expect(keyBytes('ü')).toEqual(Buffer.from([0xc3, 0xbc]));
  const bytes = new Uint8Array([1, 2]);
  expect(keyBytes(bytes)).toBe(bytes);
});

it('a prefix goes before it', () => {
  expect(withPrefix('a', 'b')).toBe('ab');
  expect(withPrefix('', 'b')).toBe('b');
  expect(withPrefix(undefined, 'b')).toBe('b');
  expect(withPrefix(Buffer.from('ä'), 'b')).toEqual(Buffer.from('äb'));
  expect(withPrefix('ä', Buffer.from('b'))).toEqual(Buffer.from('äb'));
});

it('assertKey lets strings and bytes through', () => {
  for (const key of ['', 'key', Buffer.from('key'), new Uint8Array(1)]) assertKey(key, 'get');
  for (const key of [undefined, null, 5, {}, [], new Uint16Array(1), new ArrayBuffer(1)])
    expect(() => {
      assertKey(key, 'get');
    }).toThrow(/^get: a key must be a string or a Uint8Array/);
});

it('badKeyError names the key, the operation and the reason', () => {
  expect(badKeyError('a\nkey', 'get', 'why')).toMatchObject({
    name: 'BadKeyProvided',
    key: 'a\nkey',
    operation: 'get',
    message: 'get: bad key "a\\nkey": why',
  });
});

it('keys are quoted: printable and not too long', () => {
  expect(quoteKey('a\r\nb')).toBe('"a\\r\\nb"');
  expect(quoteKey(Buffer.from([97, 0]))).toBe('"a\\u0000"');
  expect(quoteKey('k'.repeat(1000)).length).toBeLessThan(100);
});

it.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  [5, 'number'],
  ['a', 'string'],
  [[], 'an array'],
  [{}, 'an object'],
  [Object.create(null), 'an object'],
  [new Map(), 'an object (Map)'],
  [() => 1, 'function'],
])('describeType(%p) is %s', (value, name) => {
  expect(describeType(value)).toBe(name);
});
