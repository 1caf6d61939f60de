// The session store, as users see it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import session, { type Store } from 'express-session';
import { Client } from 'libmemcached';
import { MemcachedStore, type MemcachedStoreOptions } from 'libmemcached/express-session';

const store = new MemcachedStore(['localhost'], { prefix: 'own:', ttl: 60, minCompressLen: 100, failSoft: true });
expectTypeOf(store).toExtend<Store>();
expectTypeOf(new MemcachedStore(new Client('localhost'))).toEqualTypeOf(store);
expectTypeOf(store.client).toEqualTypeOf<Client>();
expectTypeOf(store.close()).toEqualTypeOf<Promise<void>>();
expectTypeOf<MemcachedStoreOptions['ttl']>().toEqualTypeOf<number | undefined>();
session({ store, secret: 'secret' });
// @ts-expect-error an option that does not exist
new MemcachedStore('localhost', { time: 5 });
