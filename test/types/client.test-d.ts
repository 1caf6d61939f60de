// The signatures of the public methods, as users see them. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import {
  Client,
  ClientPool,
  type Behaviors,
  type CallOptions,
  type ClientOptions,
  type Codec,
  type CounterOptions,
  type Explanation,
  type GetOrSetOptions,
  type Key,
  type MultiOptions,
  type Namespace,
  type StoreOptions,
  type TimeArg,
} from 'libmemcached';

const mc = new Client('localhost');
const key: Key = 'key';
interface User {
  name: string;
}

// Construction.
expectTypeOf<typeof Client>().toBeConstructibleWith(['localhost'] as const, { binary: true, maxInflated: 1000 });
expectTypeOf<ConstructorParameters<typeof Client>>().toEqualTypeOf<
  [servers: string | readonly string[], options?: ClientOptions | undefined]
>();
// @ts-expect-error servers are needed
new Client();
// @ts-expect-error binary is true or false
new Client('localhost', { binary: 'auto' });
// @ts-expect-error no such option
new Client('localhost', { binery: true });
// @ts-expect-error no such option: there is one connection to each server
new Client('localhost', { connections: 2 });
// @ts-expect-error no such behavior
new Client('localhost', { behaviors: { nonsense: true } });
expectTypeOf(mc.servers).toEqualTypeOf<readonly string[]>();

// Reading.
expectTypeOf(mc.get('key')).toEqualTypeOf<Promise<unknown>>();
expectTypeOf(mc.get<User>(key)).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(mc.get<User, null>(key, null)).toEqualTypeOf<Promise<User | null>>();
expectTypeOf(mc.get<string>('key', 'otherwise')).toEqualTypeOf<Promise<string>>();
expectTypeOf(mc.get('key', null)).toEqualTypeOf<Promise<unknown>>();
expectTypeOf(mc.get<User>(key, undefined, { timeout: 100 })).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(mc.gets<User>(Buffer.from('key'))).toEqualTypeOf<
  Promise<[value: User, cas: bigint] | [undefined, undefined]>
>();
expectTypeOf(mc.has(new Uint8Array(1), { timeout: 5 })).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.getMulti(['a', Buffer.from('b')])).toEqualTypeOf<Promise<Map<Key, unknown>>>();
expectTypeOf(mc.getMulti<User>(new Set(['a']), { keyPrefix: 'p' })).toEqualTypeOf<Promise<Map<string, User>>>();
expectTypeOf(mc.getMulti<User>([Buffer.from('a')])).toEqualTypeOf<Promise<Map<Key, User>>>();
expectTypeOf(mc.getMulti([])).toEqualTypeOf<Promise<Map<string, unknown>>>();
expectTypeOf(mc.getsMulti<User>(['a'])).toEqualTypeOf<Promise<Map<string, [value: User, cas: bigint]>>>();
// @ts-expect-error a key is a string or bytes
void mc.get(5);
// @ts-expect-error a key is needed
void mc.get();
// @ts-expect-error keys are a list
void mc.getMulti(5);

/** Narrowed by the value or by the token. */
export async function narrowing(): Promise<void> {
  const [value, cas] = await mc.gets<User>(key);
  if (cas !== undefined) {
    expectTypeOf(value).toEqualTypeOf<User>();
    expectTypeOf(cas).toEqualTypeOf<bigint>();
  }
}

// Writing.
expectTypeOf(mc.set(key, { any: 'thing' })).toEqualTypeOf<Promise<true>>();
expectTypeOf(mc.set(key, 1, 60)).toEqualTypeOf<Promise<true>>();
expectTypeOf(mc.set(key, 1, new Date())).toEqualTypeOf<Promise<true>>();
expectTypeOf(mc.set(key, 1, { time: 60, minCompressLen: 1, compressLevel: 9, timeout: 1 })).toEqualTypeOf<
  Promise<true>
>();
expectTypeOf(mc.add(key, 1)).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.replace(key, 1, { signal: new AbortController().signal })).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.cas(key, 1, 5n, 60)).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.append(key, 'data', { timeout: 1 })).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.prepend(key, new Uint8Array(1))).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.setMulti({ a: 1 })).toEqualTypeOf<Promise<string[]>>();
expectTypeOf(mc.setMulti(new Map<Key, number>())).toEqualTypeOf<Promise<Key[]>>();
expectTypeOf(mc.setMulti(new Map([['a', 1]]), { keyPrefix: 'p', time: 5 })).toEqualTypeOf<Promise<string[]>>();
expectTypeOf(mc.addMulti([['a', 1] as const])).toEqualTypeOf<Promise<string[]>>();
expectTypeOf(mc.addMulti([[Buffer.from('a'), 1] as const])).toEqualTypeOf<Promise<Key[]>>();
// @ts-expect-error a token is a bigint
void mc.cas(key, 1, 5);
// @ts-expect-error data is a string or bytes
void mc.append(key, 5);
// @ts-expect-error a time is a number or a Date
void mc.set(key, 1, '60');

// Deleting and touching.
expectTypeOf(mc.delete(key, { timeout: 5 })).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.deleteMulti(['a'], { keyPrefix: 'p' })).toEqualTypeOf<Promise<boolean>>();
expectTypeOf(mc.touch(key, 60)).toEqualTypeOf<Promise<boolean>>();
// @ts-expect-error delete takes no time
void mc.delete(key, 5);
// @ts-expect-error touch needs one
void mc.touch(key);

// Counting.
expectTypeOf(mc.incr(key)).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.incr(key, 5n)).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.incr(key, 1, { initial: 5, time: 60 })).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.incr(key, 1, { bigint: true })).toEqualTypeOf<Promise<bigint>>();
expectTypeOf(mc.incr(key, undefined, { bigint: true })).toEqualTypeOf<Promise<bigint>>();
expectTypeOf(mc.incr(key, 1, { bigint: false })).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.decr(key, 1, { bigint: true as boolean })).toEqualTypeOf<Promise<number | bigint>>();
// Undefined is as if it were not given, under exactOptionalPropertyTypes, too.
void mc.set(key, 1, { time: undefined, minCompressLen: undefined, timeout: undefined });
new Client('localhost', { timeout: undefined, codec: undefined, username: undefined });
expectTypeOf(mc.decr(key, 1, { bigint: true, initial: 5n })).toEqualTypeOf<Promise<bigint>>();
expectTypeOf(mc.decr(key)).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.incrMulti(['a'], { delta: 5n, keyPrefix: 'p' })).toEqualTypeOf<Promise<Map<string, number>>>();
expectTypeOf(mc.decrMulti([Buffer.from('a')])).toEqualTypeOf<Promise<Map<Key, number>>>();
// @ts-expect-error a delta is a number
void mc.incr(key, '1');

// Servers and life.
expectTypeOf(mc.flushAll({ time: 5 })).toEqualTypeOf<Promise<true>>();
expectTypeOf(mc.getStats('items')).toEqualTypeOf<Promise<[name: string, stats: Record<string, string>][]>>();
expectTypeOf(mc.version()).toEqualTypeOf<Promise<Map<string, string>>>();
expectTypeOf(mc.disconnectAll()).toEqualTypeOf<Promise<void>>();
expectTypeOf(mc.clone()).toEqualTypeOf<Client>();
expectTypeOf(mc.close()).toEqualTypeOf<Promise<void>>();
// eslint-disable-next-line @typescript-eslint/no-confusing-void-expression -- its type is what is tested
expectTypeOf(mc.destroy()).toBeVoid();
expectTypeOf(mc).toExtend<AsyncDisposable>();
expectTypeOf(mc.hash(key)).toBeNumber();
expectTypeOf(mc.serverFor(key)).toBeString();
expectTypeOf(mc.explain(key)).toEqualTypeOf<Explanation>();

// Values.
expectTypeOf(mc.serialize(1)).toEqualTypeOf<readonly [data: Uint8Array | string, flags: number]>();
expectTypeOf(mc.deserialize(new Uint8Array(1), 0)).toBeUnknown();

// Behaviors.
expectTypeOf(mc.behaviors).toEqualTypeOf<Behaviors>();
expectTypeOf(mc.getBehaviors()).toEqualTypeOf<Behaviors>();
mc.behaviors.ketama = true;
mc.behaviors.hash = 'md5';
mc.behaviors = { ketama: true };
mc.setBehaviors({ namespace: 'n:' });
// @ts-expect-error it is a boolean
mc.behaviors.ketama = 1;
// @ts-expect-error no such hash
mc.behaviors.hash = 'sha1';
// @ts-expect-error no such behavior
mc.setBehaviors({ nonsense: 1 });

// A subclass is cloned as itself, and a pool hands out clients.
class Special extends Client {
  readonly special = true;
}
expectTypeOf(new Special('localhost').clone()).toEqualTypeOf<Special>();
const pool = new ClientPool(mc, 2);
expectTypeOf(pool.reserve((client) => client.get<User>('key'))).toEqualTypeOf<Promise<User | undefined>>();
expectTypeOf(pool.reserve(() => 5, { block: true })).toEqualTypeOf<Promise<number>>();
expectTypeOf(pool.available).toBeNumber();

// No `any` in the public face.
type Methods = { [Name in keyof Client]: Client[Name] };
type AnyReturns<T> = {
  [Name in keyof T]-?: T[Name] extends (...args: never[]) => infer R
    ? 0 extends 1 & Awaited<R>
      ? Name
      : never
    : never;
}[keyof T];
type AnyParameters<T> = {
  [Name in keyof T]-?: T[Name] extends (...args: infer P) => unknown ? (0 extends 1 & P[number] ? Name : never) : never;
}[keyof T];
type AnyMembers<T> = { [Name in keyof T]-?: 0 extends 1 & T[Name] ? Name : never }[keyof T];
expectTypeOf<AnyReturns<Methods>>().toBeNever();
expectTypeOf<AnyParameters<Methods>>().toBeNever();
expectTypeOf<AnyMembers<Methods>>().toBeNever();
expectTypeOf<AnyMembers<ClientOptions>>().toBeNever();
expectTypeOf<AnyMembers<StoreOptions & CounterOptions & MultiOptions & CallOptions>>().toBeNever();
expectTypeOf<AnyMembers<Behaviors>>().toBeNever();
expectTypeOf<AnyMembers<Codec>>().toBeNever();
expectTypeOf<AnyReturns<Codec>>().toBeNever();
expectTypeOf<AnyMembers<Explanation>>().toBeNever();
expectTypeOf<TimeArg>().toEqualTypeOf<number | Date>();
expectTypeOf<Key>().toEqualTypeOf<string | Uint8Array>();

// A namespace has the client's operations.
type OfKeys =
  | 'get'
  | 'gets'
  | 'has'
  | 'getMulti'
  | 'getsMulti'
  | 'set'
  | 'add'
  | 'replace'
  | 'cas'
  | 'append'
  | 'prepend'
  | 'setMulti'
  | 'addMulti'
  | 'delete'
  | 'deleteMulti'
  | 'touch'
  | 'incr'
  | 'decr'
  | 'incrMulti'
  | 'decrMulti'
  | 'getOrSet';
expectTypeOf<Pick<Namespace, OfKeys>>().toEqualTypeOf<Pick<Client, OfKeys>>();
expectTypeOf<ReturnType<Client['namespace']>>().toEqualTypeOf<Namespace>();
expectTypeOf<Namespace['invalidate']>().returns.toEqualTypeOf<Promise<void>>();

// getOrSet has the loader's type.
expectTypeOf(mc.getOrSet('key', () => 5)).toEqualTypeOf<Promise<number>>();
expectTypeOf(mc.getOrSet('key', (given) => Promise.resolve({ given }), 60)).toEqualTypeOf<Promise<{ given: Key }>>();
expectTypeOf<GetOrSetOptions>().toExtend<StoreOptions>();
// @ts-expect-error a loader is needed
void mc.getOrSet('key');
// @ts-expect-error an option that does not exist
void mc.getOrSet('key', () => 5, { stale: 5 });
