// @fastify/session takes the stores of express-session: this package's one, unmodified.

import cookie from '@fastify/cookie';
import fastifySession, { type SessionStore } from '@fastify/session';
import fastify, { type FastifyInstance } from 'fastify';
import { Client } from '../../lib/index';
import { MemcachedStore } from '../../lib/integrations/express-session';
import { useServers } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

declare module 'fastify' {
  interface Session {
    visits?: number;
  }
}

const servers = useServers(1);

/** An instance of a service that counts visits. */
async function makeService(client: Client, prefix: string): Promise<FastifyInstance> {
  const service = fastify();
  await service.register(cookie);
  await service.register(fastifySession, {
    // Its types ask for more of a session than it does itself.
    store: new MemcachedStore(client, { prefix }) as unknown as SessionStore,
    secret: 'a secret of at least thirty-two characters',
    cookie: { secure: false, maxAge: 60_000 },
  });
  service.get('/', ({ session }) => {
    session.visits = (session.visits ?? 0) + 1;
    return session.visits;
  });
  service.post('/logout', async ({ session }) => {
    await session.destroy();
    return 'bye';
  });
  return service;
}

const services: FastifyInstance[] = [];
afterEach(async () => {
  for (const service of services.splice(0)) await service.close();
});

/** Has it listen: `inject` needs a module that jest cannot load with Node.js 20. */
async function listen(client: Client, prefix: string): Promise<string> {
  const service = await makeService(client, prefix);
  services.push(service);
  return service.listen({ host: '127.0.0.1', port: 0 });
}

it('keeps the sessions of @fastify/session', async () => {
  const client = new Client(servers().map(({ address }) => address));
  const prefix = `${uniqueKey()}:`;
  const [one, other] = await Promise.all([listen(client, prefix), listen(client, prefix)]);
  const first = await fetch(one);
  const cookieOfFirst = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const headers = { cookie: cookieOfFirst, connection: 'close' };
  expect(await first.text()).toBe('1');
  const visit = async (address: string): Promise<string> => (await fetch(address, { headers })).text();
  expect([await visit(other), await visit(one)]).toEqual(['2', '3']);
  const id = decodeURIComponent(cookieOfFirst.split('=')[1] ?? '').split('.')[0] ?? '';
  expect(await client.get(`${prefix}${id}`)).toContain('"visits":3');

  await fetch(`${other}/logout`, { method: 'POST', headers });
  expect(await client.get(`${prefix}${id}`)).toBeUndefined();
  expect(await visit(one)).toBe('1');
  await client.close();
});

it('has the errors of the cache be errors of the request', async () => {
  const client = new Client('127.0.0.1:1', { timeout: 200 });
  expect((await fetch(await listen(client, 'x:'))).status).toBe(500);
  await client.close();
});
