// Times beyond 2038-01-19, the last second that can be said (row V9): they mean that second.

import { inspect } from 'node:util';

import { Cookie, type SessionData } from 'express-session';
import Keyv from 'keyv';
import { Client } from '../../lib/index';
import { KeyvMemcached } from '../../lib/integrations/keyv';
import { MemcachedStore } from '../../lib/integrations/express-session';
import { inEveryProtocol, secondsLeft, useServers } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const lastSecond = 2 ** 31 - 1;
const year = 365 * 86_400;
const secondsUntilLast = (): number => lastSecond - Date.now() / 1000;

/** The server's clock ticks once a second. */
async function expectLast(server: { host: string; port: number }, key: string): Promise<void> {
  const left = (await secondsLeft(server, key)) ?? 0;
  expect(Math.abs(left - secondsUntilLast())).toBeLessThan(3);
}

inEveryProtocol(({ server, connect }) => {
  const times: [string, number | Date][] = [
    ['the last second itself', lastSecond],
    ['one second more', lastSecond + 1],
    ['a Date in 2038', new Date((lastSecond + 1) * 1000)],
    ['a Date in 9999', new Date('9999-12-31')],
    ['the last Date', new Date(8.64e15)],
    ['20 years', 20 * year],
    ['milliseconds by mistake', Date.now()],
    ['Infinity', Infinity],
  ];
  it.each(times)('%s', async (_name, time) => {
    const mc = connect();
    const [key, touched, counter, loaded] = [uniqueKey(), uniqueKey(), uniqueKey(), uniqueKey()];
    await mc.set(key, 1, time);
    await mc.set(touched, 1);
    expect(await mc.touch(touched, time)).toBe(true);
    expect(await mc.incr(counter, 1, { initial: 1, time })).toBe(1);
    expect(await mc.getOrSet(loaded, () => 'x', { time })).toBe('x');
    for (const each of [key, touched, counter, loaded]) await expectLast(server(), each);
  });

  it('a stale time beyond it, which is a sum', async () => {
    const mc = connect();
    const pairs: [number | Date, number][] = [
      [20 * year, 20 * year],
      [year, 40 * year],
      [new Date('2037-12-31'), 10 * year],
      [new Date(8.64e15), year],
      [30 * year, Number.MAX_VALUE],
    ];
    for (const [time, staleFor] of pairs) {
      const key = uniqueKey();
      expect(await mc.getOrSet(key, () => 'x', { time, staleFor })).toBe('x');
      await expectLast(server(), key);
    }
  });

  it('a time of negative, fractional or no number stays an error', async () => {
    const mc = connect();
    for (const time of [-1, 0.5, NaN, -Infinity, new Date(NaN)])
      await expect(mc.set('key', 1, time)).rejects.toThrow(RangeError);
  });
});

describe('integrations', () => {
  const servers = useServers(1);

  it.each([
    ['20 years', 20 * year],
    ['40 years, which as a number of seconds would be a time in 2009', 40 * year],
    ['300 years', 300 * year],
  ])('Keyv: a ttl of %s', async (_name, ttl) => {
    const store = new KeyvMemcached(servers()[0]?.address ?? '');
    const keyv = new Keyv({ store });
    await keyv.set('key', 'value', ttl * 1000);
    expect(await keyv.get('key')).toBe('value');
    await keyv.disconnect();
  });

  it.each(['9999-12-31', '2038-01-20', '2060-01-01'])('express-session: a cookie until %s', async (date) => {
    const [server] = servers();
    const store = new MemcachedStore(server?.address ?? '');
    const cookie = new Cookie();
    // What a session middleware of today does itself, by a setter that is deprecated for applications.
    Object.assign(cookie, { expires: new Date(date) });
    const session = { cookie, user: 'bob' } as unknown as SessionData;
    const call = (run: (done: (error?: unknown, result?: unknown) => void) => void): Promise<unknown> =>
      new Promise((resolve, reject) => {
        run((error, result) => {
          if (error === null || error === undefined) resolve(result);
          else reject(error instanceof Error ? error : new Error(inspect(error)));
        });
      });
    await call((done) => {
      store.set('sid', session, done);
    });
    expect(
      await call((done) => {
        store.get('sid', done);
      }),
    ).toMatchObject({ user: 'bob' });
    await call((done) => {
      store.touch('sid', session, done);
    });
    await expectLast(server as never, 'sess:sid');
    await store.close();
  });

  it('express-session: a ttl of 40 years', async () => {
    const [server] = servers();
    const client = new Client(server?.address ?? '');
    const store = new MemcachedStore(client, { ttl: 40 * year });
    await new Promise((resolve) => {
      store.set('long', { cookie: new Cookie() }, resolve);
    });
    await expectLast(server as never, 'sess:long');
    await client.close();
  });
});
