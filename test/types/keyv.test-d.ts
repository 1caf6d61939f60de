// The Keyv adapter, as users see it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv6';
import { Client } from 'libmemcached';
import { KeyvMemcached, type KeyvMemcachedOptions } from 'libmemcached/keyv';

const adapter = new KeyvMemcached('localhost', { timeout: 5, namespace: 'ns', minCompressLen: 1000 });
expectTypeOf(new KeyvMemcached(new Client(['localhost']))).toEqualTypeOf(adapter);
expectTypeOf(adapter.client).toEqualTypeOf<Client>();
expectTypeOf(adapter.get<number>('key')).toEqualTypeOf<Promise<number | undefined>>();
expectTypeOf(adapter.setMany([{ key: 'key', value: 1, ttl: 5 }])).toExtend<Promise<boolean[]>>();
expectTypeOf<KeyvMemcachedOptions['namespace']>().toEqualTypeOf<string | undefined>();
expectTypeOf(new Keyv(adapter)).toExtend<Keyv>();
expectTypeOf(new Keyv({ store: adapter })).toExtend<Keyv>();
expectTypeOf(new Keyv6({ store: adapter })).toExtend<Keyv6>();
// @ts-expect-error servers, or a client
new KeyvMemcached(5);
