// Arguments of all kinds, good and odd: of all types, with getters that throw or change their answers, of other realms,
// with memory that is shared, grows or goes away, and with properties that lie.

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import vm from 'node:vm';

// Before anything is faked.
const { AbortController, AbortSignal, queueMicrotask, structuredClone } = globalThis;

const realm = vm.createContext({});
const inRealm = (code) => vm.runInContext(code, realm);

export class Values {
  #generator;

  constructor(seed) {
    this.#generator = xoroshiro128plus(seed);
  }

  below(limit) {
    return uniformInt(this.#generator, 0, limit - 1);
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  several(make, most) {
    return Array.from({ length: this.below(most + 1) }, () => make());
  }

  /** Nothing that is there has few keys: operations meet. */
  goodKey() {
    return `key-${this.below(40)}`;
  }

  key() {
    return this.chance(60) ? this.goodKey() : this.chance(50) ? this.bytes(this.goodKey()) : this.anything(1);
  }

  /** Bytes of this text, of some kind. */
  bytes(text = 'x'.repeat(this.pick([0, 1, 20, 300, 5000, 20_000]))) {
    const plain = () => new Uint8Array(Buffer.from(text));
    return this.pick([
      () => Buffer.from(text),
      plain,
      () => Object.defineProperty(plain(), 'length', { value: this.pick([0, 1, 1e5, -1, NaN, 'x', 2 ** 53]) }),
      () => Object.defineProperty(plain(), 'byteLength', { get: thrower }),
      () =>
        new (class extends Uint8Array {
          get length() {
            return 60_000;
          }
        })(Buffer.from(text)),
      () => inRealm(`new Uint8Array([${[...Buffer.from(text.slice(0, 300))]}])`),
      () => {
        const shared = new Uint8Array(new SharedArrayBuffer(text.length));
        shared.set(Buffer.from(text));
        return shared;
      },
      () => new Uint8Array(new SharedArrayBuffer(text.length, { maxByteLength: text.length * 2 + 10 })),
      () => new Uint8Array(new ArrayBuffer(text.length, { maxByteLength: text.length * 2 + 10 })),
      () => {
        const gone = plain();
        structuredClone(gone.buffer, { transfer: [gone.buffer] });
        return gone;
      },
      () => {
        const buffer = new ArrayBuffer(100, { maxByteLength: 100 });
        const outside = new Uint8Array(buffer, 50, 20);
        buffer.resize(10);
        return outside;
      },
      () => new Proxy(plain(), {}),
    ])();
  }

  text() {
    return this.pick([
      '',
      'a',
      ' ',
      '\r\n',
      '\0',
      'é',
      '😀',
      '\ud800',
      '@@lease:key-1',
      '__proto__',
      'x'.repeat(251),
      'x'.repeat(9000),
    ]);
  }

  number() {
    return this.pick([
      0,
      -0,
      1,
      -1,
      5,
      100,
      0.5,
      NaN,
      Infinity,
      -Infinity,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      2 ** 53 + 2,
      2 ** 64,
      1e300,
    ]);
  }

  /** Whatever there is. */
  anything(depth = 2) {
    return this.pick([
      () => undefined,
      () => null,
      () => this.chance(50),
      () => this.number(),
      () => this.pick([0n, 1n, -1n, 2n ** 64n, 2n ** 64n - 1n, 10n ** 40n]),
      () => this.text(),
      () => Symbol('any'),
      () => () => this.anything(0),
      () => this.bytes(),
      () => this.pick([new Date(), new Date(NaN), new Date(8.64e15), inRealm('new Date()')]),
      () =>
        this.pick([
          new Map([['a', 1]]),
          new Set(['a']),
          /x/,
          new Error('a value'),
          new WeakMap(),
          inRealm('new Map([["a",1]])'),
        ]),
      () => this.pick([Promise.resolve([1, 2]), quietRejection()]),
      () =>
        this.pick([
          new Float64Array(3),
          new DataView(new ArrayBuffer(8)),
          new ArrayBuffer(8),
          new SharedArrayBuffer(8),
        ]),
      () => (depth > 0 ? this.several(() => this.anything(depth - 1), 4) : []),
      () => (depth > 0 ? this.object(['a', 'b', 'time', 'toJSON', 'then'], depth - 1) : {}),
      () => new Proxy({}, { get: thrower, ownKeys: thrower, has: thrower, getPrototypeOf: thrower }),
      () => new Proxy([], { get: thrower }),
      () => revoked(),
      () => Object.create(null),
      () => ({ toString: thrower, valueOf: thrower, [Symbol.toPrimitive]: thrower }),
      () => ({
        constructor: {
          get name() {
            return thrower();
          },
        },
      }),
      () => inRealm('({ a: [1, "x"], time: 5 })'),
      () => cyclic(),
      () => new AbortController().signal,
    ])();
  }

  /** An object with some of these members: good ones by `good`, or anything; some are getters. */
  object(names, depth = 1, good = {}) {
    const target = this.chance(90)
      ? {}
      : this.pick([Object.create({ timeout: 5 }), inRealm('({})'), Object.create(null)]);
    for (const name of names) {
      if (this.chance(60)) continue;
      const make = () => (good[name] !== undefined && this.chance(75) ? good[name]() : this.anything(depth - 1));
      const member = this.chance(85) ? { value: make(), writable: true } : { get: this.chance(30) ? thrower : make };
      Object.defineProperty(target, name, { enumerable: true, configurable: true, ...member });
    }
    return target;
  }

  keys() {
    return this.pick([
      () => this.several(() => this.key(), 6),
      () => this.several(() => this.goodKey(), 20),
      () => new Set(this.several(() => this.goodKey(), 6)),
      () =>
        generator(
          this.several(() => this.key(), 4),
          this.chance(20),
        ),
      () => new Proxy([this.goodKey()], this.chance(50) ? {} : { get: thrower }),
      () => inRealm('["key-1", "key-2"]'),
      () => this.anything(),
      () => new Array(3),
    ])();
  }

  entries() {
    const pairs = () => this.several(() => [this.key(), this.anything(1)], 5);
    return this.pick([
      pairs,
      () => new Map(pairs()),
      () => Object.fromEntries(this.several(() => [this.goodKey(), this.anything(1)], 5)),
      () => generator(pairs(), this.chance(20)),
      () => this.object(['key-1', 'key-2', 'key-3']),
      () => this.anything(),
    ])();
  }

  signal() {
    return this.pick([
      () => new AbortController().signal,
      () => AbortSignal.abort(this.pick([new Error('reason'), 'text', undefined])),
      () => AbortSignal.timeout(this.below(30)),
      () => Object.assign(new AbortController().signal, { addEventListener: thrower }),
      () => Object.assign(new AbortController().signal, { removeEventListener: thrower }),
      () => Object.create(AbortSignal.prototype),
      () => {
        const controller = new AbortController();
        queueMicrotask(() => controller.abort());
        Object.defineProperty(controller.signal, 'reason', { get: thrower });
        return controller.signal;
      },
    ])();
  }
}

function thrower() {
  throw thrown;
}
/** What the caller's own code throws: no error of the client's. */
export const thrown = Object.assign(new Error('of the caller'), { isCallers: true });

function quietRejection() {
  const rejected = Promise.reject(thrown);
  rejected.catch(() => undefined);
  return rejected;
}
function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
function cyclic() {
  const value = { deep: [] };
  value.deep.push(value);
  return value;
}
function* generator(members, fails) {
  yield* members;
  if (fails) thrower();
}

/** What a caller may do with its arguments as soon as a method has returned. */
export function spoil(argument, values) {
  try {
    if (argument instanceof Uint8Array) {
      if (argument.buffer.resizable) argument.buffer.resize(values.below(argument.buffer.maxByteLength));
      else if (argument.buffer.growable) argument.buffer.grow(argument.buffer.maxByteLength);
      else if (values.chance(50)) argument.fill(0x20);
      else if (argument.buffer.byteLength === argument.byteLength && argument.buffer instanceof ArrayBuffer)
        structuredClone(argument.buffer, { transfer: [argument.buffer] });
    } else if (Array.isArray(argument)) {
      for (const member of argument) spoil(member, values);
      argument.length = 0;
    } else if (argument instanceof Map) argument.clear();
    else if (argument instanceof Date) argument.setTime(0);
    else if (typeof argument === 'object' && argument !== null)
      for (const name of Object.keys(argument)) delete argument[name];
  } catch {
    // A Proxy, or a typed array of another kind.
  }
}
