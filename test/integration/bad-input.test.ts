// Wrong arguments are refused with an error that names them, and nothing is sent. For keys see bad-keys.test.ts.

import { Client } from '../../lib/index';
import { failure, thrown, useClients, useUntouchedServer, type Thrown } from '../support/clients';

const connect = useClients();
const untouched = useUntouchedServer();

describe('lists', () => {
  it.each([undefined, null, 5, 'abc', {}, new Map([['a', 1]]), Buffer.from('abc')])('of keys: %p', async (keys) => {
    const mc = connect(untouched());
    const methods = ['getMulti', 'getsMulti', 'incrMulti', 'decrMulti', 'deleteMulti'] as const;
    for (const method of methods) {
      const error = await failure((mc[method] as (keys: never) => Promise<unknown>).call(mc, keys as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(method);
    }
  });

  it.each([undefined, null, 5, 'abc', ['ab', 'cd'], [['a']], [['a', 1, 2]], [1]])('of entries: %p', async (entries) => {
    const mc = connect(untouched());
    for (const method of ['setMulti', 'addMulti'] as const) {
      const error = await failure((mc[method] as (entries: never) => Promise<unknown>).call(mc, entries as never));
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
    ['an Error', new Error('no'), /Error/],
    ['a RegExp', /pattern/, /RegExp/],
    ['a Promise', Promise.resolve(1), /Promise.*await/],
    ['numbers in a typed array', new Float64Array(2), /Float64Array/],
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
    [-Infinity, RangeError, /Infinity/],
    [new Date(NaN), RangeError, /Date/],
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

  it('options of other names are refused: they would be taken for no time at all', async () => {
    const mc = connect(untouched());
    const wrong = (name: string): never => ({ [name]: 5 }) as never;
    for (const name of ['expires', 'ttl', 'lifetime', 'Time']) {
      for (const call of [
        () => mc.set('key', 1, wrong(name)),
        () => mc.add('key', 1, wrong(name)),
        () => mc.setMulti({ key: 1 }, wrong(name)),
        () => mc.incr('key', 1, wrong(name)),
        () => mc.getOrSet('key', () => 1, wrong(name)),
      ]) {
        const error = await failure(call());
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toContain(JSON.stringify(name));
        expect(error.message).toContain('time');
      }
    }
    expect((await failure(mc.set('key', 1, [] as never))).message).toContain('an array');
    expect((await failure(mc.set('key', 1, wrong('keyPrefix')))).message).toContain('keyPrefix');
    for (const call of [mc.get('key', 1, null as never), mc.delete('key', null as never), mc.version(null as never)])
      expect((await failure(call)).message).toContain('options must be an object, not null');
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
