// Bad keys are refused with an error that names them, and nothing is sent.

import type { Client, Key } from '../../lib/index';
import { failure, protocols, useClients, useUntouchedServer } from '../support/clients';

const connect = useClients();
const untouched = useUntouchedServer();

type Call = (mc: Client, key: Key) => Promise<unknown>;

const singles: [string, Call][] = [
  ['get', (mc, key) => mc.get(key)],
  ['gets', (mc, key) => mc.gets(key)],
  ['set', (mc, key) => mc.set(key, 1)],
  ['add', (mc, key) => mc.add(key, 1)],
  ['replace', (mc, key) => mc.replace(key, 1)],
  ['cas', (mc, key) => mc.cas(key, 1, 1n)],
  ['append', (mc, key) => mc.append(key, 'data')],
  ['prepend', (mc, key) => mc.prepend(key, 'data')],
  ['incr', (mc, key) => mc.incr(key)],
  ['decr', (mc, key) => mc.decr(key)],
  ['delete', (mc, key) => mc.delete(key)],
  ['touch', (mc, key) => mc.touch(key, 1)],
];

const multis: [string, Call][] = [
  ['getMulti', (mc, key) => mc.getMulti(['good', key])],
  ['getsMulti', (mc, key) => mc.getsMulti(['good', key])],
  ['setMulti', (mc, key) => mc.setMulti([['good', 1], [key, 1]])], // prettier-ignore
  ['addMulti', (mc, key) => mc.addMulti(new Map<Key, unknown>([['good', 1], [key, 1]]))], // prettier-ignore
  ['incrMulti', (mc, key) => mc.incrMulti(['good', key])],
  ['decrMulti', (mc, key) => mc.decrMulti(['good', key])],
  ['deleteMulti', (mc, key) => mc.deleteMulti(['good', key])],
];

describe('keys', () => {
  const wrong: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
    ['an array', ['key']],
    ['an ArrayBuffer', new ArrayBuffer(3)],
    ['a symbol', Symbol('key')],
  ];
  const types: Record<string, RegExp> = {
    undefined: /undefined/,
    null: /null/,
    'a number': /number/,
    'an object': /object/,
    'an array': /array/,
    'an ArrayBuffer': /ArrayBuffer/,
    'a symbol': /symbol/,
  };

  it.each([...singles, ['has', (mc, key) => mc.has(key)] as [string, Call], ...multis])(
    '%s: a wrong type is a TypeError that names both',
    async (name, call) => {
      for (const [what, key] of wrong) {
        const error = await failure(call(connect(untouched()), key as Key));
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toMatch(types[what] as RegExp);
        expect(error.message).toContain('key');
        if (name !== 'has') expect(error.message).toMatch(new RegExp(`\\b${name.replace('Multi', '')}`));
      }
    },
  );

  const bad: [string, Key][] = [
    ['empty', ''],
    ['an empty Buffer', Buffer.alloc(0)],
    ['251 characters', 'k'.repeat(251)],
    ['126 characters of two bytes', 'ü'.repeat(126)],
    ['84 characters of three bytes', '鍵'.repeat(84)],
    ['251 bytes', Buffer.alloc(251, 'k')],
    ['far too long', 'k'.repeat(1_000_000)],
  ];

  it.each([...singles, ...multis])('%s: a bad key is BadKeyProvided, which names it', async (name, call) => {
    for (const binary of protocols) {
      for (const [, key] of bad) {
        const error = await failure(call(connect(untouched(), { binary }), key));
        expect(error).toMatchObject({
          name: 'BadKeyProvided',
          code: 'ERR_MEMCACHED_BAD_KEY',
          outcomeUnknown: false,
        });
        expect(error.key).toEqual(key);
        expect(String(error.operation)).toContain(name.replace('Multi', ''));
        expect(error.retcode).toBeGreaterThan(0);
        expect(error.message.length).toBeLessThan(400);
        expect(error.message).toContain(
          typeof key === 'string' ? key.slice(0, 20) : Buffer.from(key.slice(0, 20)).toString(),
        );
      }
    }
  });

  it.each([...singles, ...multis])('%s: too long with the namespace', async (_name, call) => {
    const mc = connect(untouched(), { behaviors: { namespace: 'n'.repeat(100) } });
    expect(await failure(call(mc, 'k'.repeat(151)))).toMatchObject({ name: 'BadKeyProvided', key: 'k'.repeat(151) });
  });

  it('too long with the prefix, or empty with one', async () => {
    const mc = connect(untouched(), { behaviors: { namespace: 'n'.repeat(50) } });
    const options = { keyPrefix: 'p'.repeat(100) };
    for (const key of ['k'.repeat(101), '']) {
      const calls = [
        mc.getMulti(['a', key], options),
        mc.getsMulti([key], options),
        mc.setMulti({ a: 1, [key]: 1 }, options),
        mc.addMulti({ [key]: 1 }, options),
        mc.incrMulti([key], options),
        mc.decrMulti([key], options),
        mc.deleteMulti([key], options),
      ];
      for (const error of await Promise.all(calls.map(failure)))
        expect(error).toMatchObject({ name: 'BadKeyProvided', key });
    }
  });

  it.each([5, {}, null, ['p']])('a keyPrefix of the wrong type: %p', async (keyPrefix) => {
    const mc = connect(untouched());
    const options = { keyPrefix: keyPrefix as never };
    for (const call of [mc.getMulti(['a'], options), mc.setMulti({ a: 1 }, options), mc.deleteMulti(['a'], options)]) {
      const error = await failure(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('keyPrefix');
    }
  });

  it.each(['a key', 'a\tkey', 'a\nkey', 'a\r\nflush_all\r\n', 'a\0', '\x7f', ' '])('in text: %j', async (key) => {
    const mc = connect(untouched(), { binary: false });
    for (const [, call] of [...singles, ...multis])
      expect(await failure(call(mc, key))).toMatchObject({ name: 'BadKeyProvided', key });
    expect((await failure(mc.getMulti(['x'], { keyPrefix: key }))).name).toBe('BadKeyProvided');
  });
});
