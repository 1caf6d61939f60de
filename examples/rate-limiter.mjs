/**
 * A rate limiter for an HTTP service: each address may send LIMIT requests (default 10) a minute. They are counted in memcached,
 * for all processes that run this.
 *
 *     MEMCACHED_SERVERS=127.0.0.1:11211 PORT=3000 LIMIT=10 node examples/rate-limiter.mjs
 */

import { createServer } from 'node:http';
import { Client, MemcachedError } from 'libmemcached';

const mc = new Client((process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(','), { timeout: 200 });
const limit = Number(process.env.LIMIT ?? 10);
const minute = 60;

/** Returns the number of requests from this address in this minute, this one included. */
async function count(address) {
  const now = Math.floor(Date.now() / 1000 / minute);
  // The counter starts at 1 with an expiry, or goes up. It outlives its minute, even if clocks differ.
  return mc.incr(`rate:${address}:${now}`, 1, { initial: 1, time: 2 * minute });
}

/** Returns undefined if the count is not known: a limiter that cannot count lets requests through. */
async function requestsSoFar(address) {
  try {
    return await count(address);
  } catch (error) {
    if (!(error instanceof MemcachedError)) throw error;
    console.warn(error.message);
    return undefined;
  }
}

const service = createServer(async (request, response) => {
  const requests = await requestsSoFar(request.socket.remoteAddress);
  if (requests !== undefined) {
    response.setHeader('RateLimit-Limit', limit);
    response.setHeader('RateLimit-Remaining', Math.max(0, limit - requests));
  }
  if (requests > limit) response.writeHead(429, { 'Retry-After': minute }).end('too many requests\n');
  else response.end('welcome\n');
});
service.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${service.address().port}`);
});
