// Wrong arguments are refused with an error that names them, and nothing is sent.

import { Client, type Key } from '../../lib/index';
import { failure, protocols, thrown, useClients, useUntouchedServer, type Thrown } from './support';

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
          code: 'ERR_MEMCACHED_BADKEYPROVIDED',
          outcomeUnknown: false,
        });
        expect(error.key).toBe(key);
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

describe('lists', () => {
  it.each([undefined, null, 5, 'abc', {}, new Map([['a', 1]]), Buffer.from('abc')])('of keys: %p', async (keys) => {
    const mc = connect(untouched());
    const methods = ['getMulti', 'getsMulti', 'incrMulti', 'decrMulti', 'deleteMulti'] as const;
    for (const method of methods) {
      const error = await failure(mc[method](keys as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(method);
    }
  });

  it.each([undefined, null, 5, 'abc', ['ab', 'cd'], [['a']], [['a', 1, 2]], [1]])('of entries: %p', async (entries) => {
    const mc = connect(untouched());
    for (const method of ['setMulti', 'addMulti'] as const) {
      const error = await failure(mc[method](entries as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(method);
    }
  });
});

describe('values', () => {
  const cyclic: unknown[] = [];
  cyclic.push({ deep: cyclic });
  const bad: [string, unknown, RegExp][] = [
    ['undefined', undefined, /undefined/],
    ['a function', () => 1, /function/],
    ['a symbol', Symbol('value'), /symbol/],
    ['a Map', new Map(), /Map/],
    ['a Set', new Set(), /Set/],
    ['a cycle', cyclic, /circular/i],
    ['a bigint inside', { big: 1n }, /BigInt/],
    ['nothing in JSON', { toJSON: () => undefined }, /JSON|store/],
  ];

  it.each(bad)('%s: a TypeError', async (_name, value, message) => {
    const mc = connect(untouched());
    const calls = [
      () => mc.set('key', value),
      () => mc.add('key', value),
      () => mc.replace('key', value),
      () => mc.cas('key', value, 1n),
      () => mc.setMulti({ good: 1, key: value }),
      () => mc.addMulti({ good: 1, key: value }),
    ];
    for (const call of calls) {
      const error = await failure(call());
      expect(error.name).toBe('TypeError');
      expect(error.message).toMatch(message);
    }
    expect(() => mc.serialize(value)).toThrow(message);
  });

  it.each([undefined, null, 5, {}, ['data'], 5n, true])('appended: %p', async (data) => {
    const mc = connect(untouched());
    for (const method of ['append', 'prepend'] as const) {
      const error = await failure(mc[method]('key', data as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(method);
    }
  });
});

type Refusal = [unknown, new (...args: never[]) => Error, RegExp];

async function refused(calls: (() => Promise<unknown>)[], [, type, message]: Refusal): Promise<void> {
  for (const call of calls) {
    const error: Thrown = await failure(call());
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
  }
}

describe('times', () => {
  const bad: Refusal[] = [
    [-1, RangeError, /-1/],
    [-0.5, RangeError, /-0\.5/],
    [0.5, RangeError, /0\.5/],
    [NaN, RangeError, /NaN/],
    [Infinity, RangeError, /Infinity/],
    [2 ** 31, RangeError, /2147483648/],
    [new Date(NaN), RangeError, /Date/],
    [new Date(2 ** 31 * 1000), RangeError, /2038/],
    ['5', TypeError, /string/],
    [5n, TypeError, /bigint/],
    [true, TypeError, /boolean/],
    [null, TypeError, /null|object/],
  ];

  it.each(bad)('%p', async (...refusal) => {
    const mc = connect(untouched());
    const time = refusal[0] as never;
    const calls = [
      () => mc.set('key', 1, time),
      () => mc.set('key', 1, { time }),
      () => mc.add('key', 1, { time }),
      () => mc.replace('key', 1, { time }),
      () => mc.cas('key', 1, 1n, { time }),
      () => mc.setMulti({ key: 1 }, { time }),
      () => mc.addMulti({ key: 1 }, { time }),
      () => mc.touch('key', time),
      () => mc.incr('key', 1, { initial: 1, time }),
      () => mc.flushAll({ time }),
    ];
    await refused(calls, refusal);
  });

  it('delete takes none', async () => {
    const mc = connect(untouched());
    for (const call of [
      () => mc.delete('key', 5 as never),
      () => mc.delete('key', { time: 5 } as never),
      () => mc.deleteMulti(['key'], { time: 5 } as never),
    ]) {
      const error = await failure(call());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('time');
    }
  });

  it('touch needs one', async () => {
    expect(await failure(connect(untouched()).touch('key', undefined as never))).toBeInstanceOf(TypeError);
  });

  it('a counter takes one only with initial', async () => {
    expect((await failure(connect(untouched()).incr('key', 1, { time: 5 }))).message).toContain('initial');
  });
});

describe('deltas', () => {
  const bad: Refusal[] = [
    [-1, RangeError, /delta.*-1/],
    [-1n, RangeError, /delta.*-1/],
    [1.5, RangeError, /delta.*1\.5/],
    [NaN, RangeError, /delta.*NaN/],
    [Infinity, RangeError, /delta.*Infinity/],
    [2 ** 53, RangeError, /delta.*bigint/],
    [2n ** 64n, RangeError, /delta.*18446744073709551616/],
    ['1', TypeError, /delta.*string/],
    [null, TypeError, /delta.*null/],
    [{}, TypeError, /delta.*object/],
  ];

  it.each(bad)('%p', async (...refusal) => {
    const mc = connect(untouched());
    const delta = refusal[0] as never;
    const calls = [
      () => mc.incr('key', delta),
      () => mc.decr('key', delta),
      () => mc.incrMulti(['key'], { delta }),
      () => mc.decrMulti(['key'], { delta }),
    ];
    await refused(calls, refusal);
  });

  it.each([-1, 2n ** 64n, 1.5, '1', null])('initial: %p', async (initial) => {
    const mc = connect(untouched());
    for (const method of ['incr', 'decr'] as const) {
      const error = await failure(mc[method]('key', 1, { initial: initial as never }));
      expect(typeof initial === 'string' || initial === null ? TypeError : RangeError).toBe(error.constructor);
      expect(error.message).toContain('initial');
    }
  });
});

describe('tokens', () => {
  const bad: Refusal[] = [
    [undefined, TypeError, /cas.*undefined/],
    [null, TypeError, /cas.*null/],
    [5, TypeError, /cas.*number/],
    ['5', TypeError, /cas.*string/],
    [0n, RangeError, /cas.*0/],
    [-1n, RangeError, /cas.*-1/],
    [2n ** 64n, RangeError, /cas.*18446744073709551616/],
  ];
  it.each(bad)('%p', async (...refusal) => {
    await refused([() => connect(untouched()).cas('key', 1, refusal[0] as never)], refusal);
  });
});

describe('options', () => {
  const bad: [Record<string, unknown>, new (...args: never[]) => Error, RegExp][] = [
    [{ minCompressLen: -1 }, RangeError, /minCompressLen.*-1/],
    [{ minCompressLen: 1.5 }, RangeError, /minCompressLen.*1\.5/],
    [{ minCompressLen: '1' }, TypeError, /minCompressLen.*string/],
    [{ compressLevel: 10 }, RangeError, /compressLevel.*10/],
    [{ compressLevel: -2 }, RangeError, /compressLevel.*-2/],
    [{ compressLevel: null }, TypeError, /compressLevel.*null/],
  ];
  it.each(bad)('of a store: %p', async (options, type, message) => {
    const mc = connect(untouched());
    const calls = [
      () => mc.set('key', 1, options),
      () => mc.add('key', 1, options),
      () => mc.setMulti({ key: 1 }, options),
    ];
    await refused(calls, [options, type, message]);
  });

  it.each([5, 'options', null, true])('that are no object: %p', async (given) => {
    const options = given as never;
    const mc = connect(untouched());
    const calls = [
      () => mc.get('key', undefined, options),
      () => mc.append('key', 'data', options),
      () => mc.touch('key', 1, options),
      () => mc.incr('key', 1, options),
      () => mc.getMulti(['key'], options),
      () => mc.incrMulti(['key'], options),
      () => mc.deleteMulti(['key'], options),
      () => mc.flushAll(options),
      () => mc.version(options),
    ];
    for (const call of calls) expect(await failure(call())).toBeInstanceOf(TypeError);
  });

  it.each([5, null, {}, ['a']])('the group of getStats: %p', async (group) => {
    expect(await failure(connect(untouched()).getStats(group as never))).toBeInstanceOf(TypeError);
  });

  it.each(['', 'a\r\nflush_all', ' items', 'x'.repeat(300), 'ü'])('the group of getStats: %j', async (group) => {
    const error = await failure(connect(untouched()).getStats(group));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain('getStats');
  });
});

it('nothing of it throws where a promise is due', () => {
  const mc = connect(untouched());
  const calls = [
    () => mc.get(undefined as never),
    () => mc.set('', 1),
    () => mc.set('key', undefined),
    () => mc.incr('key', -1),
    () => mc.cas('key', 1, 0n),
    () => mc.touch('key', -1),
    () => mc.delete('key', 5 as never),
    () => mc.getMulti(undefined as never),
    () => mc.setMulti(undefined as never),
    () => mc.flushAll(null as never),
    () => mc.getStats(5 as never),
    () => mc.version(5 as never),
    () => mc.disconnectAll(5 as never),
  ];
  for (const call of calls) {
    const promise = call();
    expect(promise).toBeInstanceOf(Promise);
    promise.catch(() => undefined);
  }
});

it('the constructor throws at once', () => {
  expect(thrown(() => new Client([])).message).toContain('empty');
  expect(thrown(() => new Client('127.0.0.1', null as never))).toBeInstanceOf(TypeError);
});
