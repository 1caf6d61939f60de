/**
 * A NestJS application whose cache is in memcached, through Keyv: what one process has cached all have.
 * For `experimentalDecorators`, which Nest's projects set.
 *
 *     MEMCACHED_SERVERS=127.0.0.1:11211 PORT=3000
 *     curl localhost:3000/products/1
 *     curl -X DELETE localhost:3000/products/1
 */

import 'reflect-metadata';
import { CACHE_MANAGER, CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Delete, Get, Inject, Logger, Module, Param, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import { Keyv } from 'keyv';
import { KeyvMemcached } from 'libmemcached/keyv';

const servers = (process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(',');
let loads = 0;

@Controller('products')
class Products {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  /** The interceptor caches what this returns, under the path. */
  @Get(':id')
  @UseInterceptors(CacheInterceptor)
  find(@Param('id') id: string): object {
    return { id, load: ++loads, by: process.pid };
  }

  @Delete(':id')
  async forget(@Param('id') id: string): Promise<object> {
    return { forgotten: await this.cache.del(`/products/${id}`) };
  }
}

@Module({
  imports: [
    CacheModule.register({
      ttl: 60_000, // milliseconds
      stores: [new Keyv({ store: new KeyvMemcached(servers, { failSoft: true }), namespace: 'nest' })],
    }),
  ],
  controllers: [Products],
})
class Application {}

Logger.overrideLogger(['error']);
const application = await NestFactory.create(Application);
await application.listen(Number(process.env.PORT ?? 3000));
console.log(`listening on ${await application.getUrl()}`);
