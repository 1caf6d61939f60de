import { nextCacheHandler } from 'libmemcached/next-cache-handler';

export default nextCacheHandler(process.env.MEMCACHED ?? '127.0.0.1:11211');
