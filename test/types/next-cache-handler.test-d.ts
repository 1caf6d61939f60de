// The cache handler of Next.js, as users see it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import { Client } from 'libmemcached';
import { nextCacheHandler, type NextCacheHandler, type NextCacheHandlerOptions } from 'libmemcached/next-cache-handler';

const Handler = nextCacheHandler(['localhost'], {
  timeout: 5,
  keyPrefix: 'app:',
  buildId: 'x',
  onError: console.error,
});
expectTypeOf(new Handler()).toEqualTypeOf<NextCacheHandler>();
expectTypeOf(nextCacheHandler(new Client(['localhost']))).toEqualTypeOf(Handler);
expectTypeOf(new Handler().revalidateTag('tag')).toEqualTypeOf<Promise<void>>();
expectTypeOf<NextCacheHandlerOptions['minCompressLen']>().toEqualTypeOf<number | undefined>();
// @ts-expect-error servers, or a client
nextCacheHandler(5);
