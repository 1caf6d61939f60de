// The session store under a real Express app, over HTTP.

import express, { type NextFunction, type Request, type Response } from 'express';
import session, { type SessionData } from 'express-session';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Client } from '../../lib/index';
import { MemcachedStore, type MemcachedStoreOptions } from '../../lib/integrations/express-session';
import { uniqueKey } from '../support/unique-keys';
import { certificatePath, startMemcached } from '../support/memcached-servers';
import { startRefusingPort } from '../support/fake-servers';
import { failure, secondsLeft, sleep, stored, thrown, useServers } from '../support/clients';

interface Own {
  user?: string;
  visits?: number;
}
const own = (request: Request): Own => request.session as Own;

const servers = useServers(1);
const server = () => servers()[0] as NonNullable<ReturnType<typeof servers>[0]>;
const listening: Server[] = [];
const stores: MemcachedStore[] = [];
afterEach(async () => {
  for (const each of listening.splice(0)) {
    each.closeAllConnections();
    each.close();
  }
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

function makeStore(options?: MemcachedStoreOptions, address = server().address): MemcachedStore {
  const store = new MemcachedStore(address, options);
  stores.push(store);
  return store;
}

/** A service that counts visits of whoever is logged in; returns its address. */
async function serve(store: MemcachedStore, options?: Partial<session.SessionOptions>): Promise<string> {
  const app = express();
  app.use(session({ store, secret: 'secret', resave: false, saveUninitialized: false, ...options }));
  app.get('/login/:user', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) {
        next(error);
        return;
      }
      own(request).user = request.params.user;
      response.send(request.sessionID);
    });
  });
  app.get('/visit', (request, response) => {
    own(request).visits = (own(request).visits ?? 0) + 1;
    response.json({ user: own(request).user, visits: own(request).visits });
  });
  app.get('/look', (request, response) => {
    response.json({ user: own(request).user });
  });
  app.get('/logout', (request, response, next) => {
    request.session.destroy((error) => {
      if (error) next(error);
      else response.send('bye');
    });
  });
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).send(error.name);
  });
  const http = createServer(app);
  listening.push(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** As much of a browser as sessions need. */
function browser() {
  let cookie = '';
  return async (url: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(url, { headers: { cookie } });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) cookie = set.split(';')[0] ?? '';
    return { status: response.status, body: await response.text() };
  };
}

it('a session lives in memcached: other processes see it, and a logout ends it for all', async () => {
  const [first, second] = [await serve(makeStore()), await serve(makeStore())];
  const [ada, bob] = [browser(), browser()];
  const sid = (await ada(`${first}/login/Ada ♥`)).body;
  await bob(`${first}/login/Bob`);
  expect((await ada(`${first}/visit`)).body).toBe('{"user":"Ada ♥","visits":1}');
  expect((await ada(`${second}/visit`)).body).toBe('{"user":"Ada ♥","visits":2}');
  expect((await bob(`${second}/visit`)).body).toBe('{"user":"Bob","visits":1}');
  const kept = JSON.parse(Buffer.from((await stored(server(), `sess:${sid}`))?.bytes ?? '', 'latin1').toString());
  expect(kept).toMatchObject({ user: 'Ada ♥', visits: 2, cookie: { path: '/' } });
  expect((await ada(`${second}/logout`)).body).toBe('bye');
  expect(await stored(server(), `sess:${sid}`)).toBeUndefined();
  expect((await ada(`${first}/look`)).body).toBe('{}');
  expect((await bob(`${first}/look`)).body).toBe('{"user":"Bob"}');
});

it('a login makes a new session, and the old one is gone', async () => {
  const url = await serve(makeStore({ prefix: 'own:' }));
  const visit = browser();
  const before = (await visit(`${url}/login/Ada`)).body;
  const after = (await visit(`${url}/login/Ada`)).body;
  expect(after).not.toBe(before);
  expect(await stored(server(), `own:${before}`)).toBeUndefined();
  expect(await stored(server(), `own:${after}`)).toBeDefined();
});

it('it is kept for as long as the cookie lasts, from the last request on', async () => {
  const url = await serve(makeStore(), { cookie: { maxAge: 100_000 } });
  const visit = browser();
  const key = `sess:${(await visit(`${url}/login/Ada`)).body}`;
  expect([100, 101]).toContain(await secondsLeft(server(), key));
  const client = new Client(server().address);
  await client.touch(key, 50);
  expect(await secondsLeft(server(), key)).toBeLessThanOrEqual(50);
  // Nothing is changed, so express-session touches it instead of storing it.
  expect((await visit(`${url}/look`)).body).toBe('{"user":"Ada"}');
  expect(await secondsLeft(server(), key)).toBeGreaterThan(95);
  expect((await visit(`${url}/look`)).body).toBe('{"user":"Ada"}');
  await client.close();
});

it('it ends with its cookie', async () => {
  const url = await serve(makeStore(), { cookie: { maxAge: 100 } });
  const visit = browser();
  const key = `sess:${(await visit(`${url}/login/Ada`)).body}`;
  const end = Date.now() + 10_000;
  while ((await stored(server(), key)) !== undefined && Date.now() < end) await sleep(50);
  expect((await visit(`${url}/look`)).body).toBe('{}');
});

it('one whose cookie has no end is kept for `ttl`', async () => {
  const visit = browser();
  const key = `sess:${(await visit(`${await serve(makeStore())}/login/Ada`)).body}`;
  expect(await secondsLeft(server(), key)).toBeGreaterThan(86_400 - 10);
  const other = browser();
  const shorter = `sess:${(await other(`${await serve(makeStore({ ttl: 60 }))}/login/Ada`)).body}`;
  expect(await secondsLeft(server(), shorter)).toBeLessThanOrEqual(60);
});

it('an outage is an error; with failSoft, whoever comes is a stranger', async () => {
  const { address } = await startRefusingPort();
  const visit = browser();
  await visit(`${await serve(makeStore())}/login/Ada`);
  const loud = await visit(`${await serve(makeStore({ timeout: 1000 }, address))}/look`);
  expect(loud.status).toBe(500);
  expect(loud.body).toMatch(/ConnectionError|ServerDown/);
  const soft = await visit(`${await serve(makeStore({ timeout: 1000, failSoft: true }, address))}/look`);
  expect(soft).toEqual({ status: 200, body: '{}' });
});

/** The methods, as promises. */
function calls(store: MemcachedStore) {
  const promise = <T>(
    run: (done: (error?: unknown, result?: T | null) => void) => void,
  ): Promise<T | null | undefined> =>
    new Promise((resolve, reject) => {
      run((error, result) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what the store said
        if (error) reject(error);
        else resolve(result);
      });
    });
  return {
    get: (sid: string) =>
      promise<SessionData>((done) => {
        store.get(sid, done);
      }),
    set: (sid: string, data: SessionData) =>
      promise((done) => {
        store.set(sid, data, done);
      }),
    touch: (sid: string, data: SessionData) =>
      promise((done) => {
        store.touch(sid, data, done);
      }),
    destroy: (sid: string) =>
      promise((done) => {
        store.destroy(sid, done);
      }),
  };
}

describe('without Express', () => {
  const data = (expires?: Date | string | null): SessionData =>
    ({ cookie: { originalMaxAge: null, expires }, user: 'Ada' }) as unknown as SessionData;

  it('get, set, touch and destroy', async () => {
    const store = makeStore({ minCompressLen: 200 });
    const { get, set, touch, destroy } = calls(store);
    const sid = uniqueKey();
    expect(await get(sid)).toBeUndefined();
    await set(sid, data());
    expect(await get(sid)).toMatchObject({ user: 'Ada' });
    await set(sid, data(new Date(Date.now() + 50_000).toISOString()));
    expect(await secondsLeft(server(), `sess:${sid}`)).toBeLessThanOrEqual(51);
    await touch(sid, data(new Date(Date.now() + 500_000)));
    expect(await secondsLeft(server(), `sess:${sid}`)).toBeGreaterThan(490);
    await touch(uniqueKey(), data());
    await destroy(sid);
    await destroy(sid);
    expect(await get(sid)).toBeUndefined();
    await set(sid, { ...data(), long: 'x'.repeat(5000) } as SessionData);
    expect((await stored(server(), `sess:${sid}`))?.bytes.length).toBeLessThan(500);
    // What is over already is not stored, and what was stored goes.
    await set(sid, data(new Date(Date.now() - 1000)));
    expect(await get(sid)).toBeUndefined();
    await set(sid, data());
    await touch(sid, data(new Date(Date.now() - 1000)));
    expect(await get(sid)).toBeUndefined();
    store.set(sid, data());
    store.destroy(sid);
  });

  it('mistakes are told', async () => {
    const client = new Client(server().address);
    const store = new MemcachedStore(client);
    const { get, set } = calls(store);
    await client.set('sess:broken', 'no JSON');
    expect((await failure(get('broken'))).name).toBe('SyntaxError');
    expect((await failure(get('x'.repeat(300)))).name).toBe('BadKeyProvided');
    const cyclic = data() as SessionData & { self?: unknown };
    cyclic.self = cyclic;
    expect((await failure(set('cyclic', cyclic))).name).toBe('TypeError');
    await store.close(); // the client is not its own
    expect(await client.has('sess:broken')).toBe(true);
    await client.close();
    expect((await failure(get('broken'))).name).toBe('ClientClosed');
    expect(thrown(() => new MemcachedStore(client, { timeout: 5 }))).toMatchObject({ name: 'TypeError' });
    for (const ttl of [0, Infinity, NaN])
      expect(thrown(() => new MemcachedStore('localhost', { ttl }))).toMatchObject({ name: 'RangeError' });
    expect(thrown(() => new MemcachedStore('localhost', { prefix: 5 as never }))).toMatchObject({ name: 'TypeError' });
  });
});

it('passes the options of the client on: TLS', async () => {
  const secure = await startMemcached({ tls: {} });
  const tls = { ca: readFileSync(certificatePath('authority.pem')) };
  const store = new MemcachedStore(`memcacheds://${secure.address}`, { tls });
  const id = uniqueKey();
  await promisify(store.set.bind(store))(id, { cookie: new session.Cookie() });
  expect(await promisify(store.get.bind(store))(id)).toMatchObject({ cookie: {} });
  await store.close();
  await secure.stop();
});
