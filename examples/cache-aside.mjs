/**
 * An HTTP service whose answers take time, with a cache aside. Requests that arrive at the same time share one load, in all
 * processes that run this. Old answers are served for a minute while a new one is loaded. One request invalidates them all.
 *
 *     MEMCACHED_SERVERS=127.0.0.1:11211 PORT=3000 node examples/cache-aside.mjs
 *     curl localhost:3000/products/1
 *     curl -X POST localhost:3000/import
 */

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'libmemcached';

// With failSoft, the service is slow without the cache, not broken.
const mc = new Client((process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(','), { failSoft: true });
const products = mc.namespace('products');

let loads = 0;

/** Stands for a database. */
async function loadProduct(id) {
  await sleep(200);
  return { id, name: `Product ${id}`, load: ++loads };
}

const routes = {
  'GET /products/:id': (id) => products.getOrSet(id, loadProduct, { time: 60, staleFor: 60, leaseFor: 5 }),
  'POST /import': async () => {
    await products.invalidate();
    return { invalidated: true };
  },
};

async function answer({ method, url }) {
  const [, id] = /^\/products\/([\w-]{1,50})$/.exec(url) ?? [];
  const route = routes[`${method} ${id === undefined ? url : '/products/:id'}`];
  return route === undefined ? [404, { error: 'not found' }] : [200, await route(id)];
}

const service = createServer((request, response) => {
  answer(request)
    .catch((error) => [503, { error: error.message }])
    .then(([status, body]) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    });
});
service.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${service.address().port}`);
});

process.once('SIGTERM', () => {
  service.close(() => mc.close());
  // Requests that have arrived are answered. Browsers keep idle connections open, which would delay the end by half a minute.
  setTimeout(() => service.closeAllConnections(), 2000).unref();
});
