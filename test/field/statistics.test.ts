// Statistics of every kind, and a flush that is refused (row V11): each its true answer, or an error that quotes it; and
// nothing of it is taken for a failure of the server.

import type { Client } from '../../lib/index';
import { failure, inEveryProtocol, useClients, useUntouchedServer } from '../support/clients';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

async function expectUp(mc: Client): Promise<void> {
  expect(mc.metrics().servers[0]?.state).toBe('up');
  expect(mc.metrics().servers[0]?.reconnects).toBe(0);
  expect(await mc.set(uniqueKey(), 1)).toBe(true);
}

inEveryProtocol(({ connect, protocol: binary }) => {
  const behaviors = { remove_failed: 1, retry_timeout: 5, dead_timeout: 60 };

  it.each<[string, RegExp]>([
    ['settings', /maxbytes/],
    ['items', /^/],
    ['slabs', /active_slabs/],
    ['sizes', /sizes_status/],
    ['reset', /^$/],
    ['detail on', /^$/],
    ['detail off', /^$/],
  ])('%s', async (group, names) => {
    const mc = connect({ behaviors });
    await mc.set(uniqueKey(), 1);
    const [[, statistics] = ['', {}]] = await mc.getStats(group);
    expect(Object.keys(statistics).join(' ')).toMatch(names);
    await expectUp(mc);
  });

  it.each(['conns', 'cachedump 1 1', 'extstore'])('%s, which only text servers have', async (group) => {
    const mc = connect({ behaviors });
    const answer = mc.getStats(group);
    if (binary)
      expect(await failure(answer)).toMatchObject({
        name: 'UnknownStatKey',
        message: expect.stringMatching(/Not found/),
      });
    // Where there are items it has lines of its own kind.
    else
      await answer.catch((error: unknown) => {
        expect(String(error)).toMatch(/expected STAT or END, not "ITEM /);
      });
    expect(mc.metrics().servers[0]?.state).toBe('up');
    expect(await mc.set(uniqueKey(), 1)).toBe(true);
  });

  it.each(['nonsense', 'detail', 'cachedump', 'cachedump 99 1'])(
    '%s: an error that quotes the answer',
    async (group) => {
      const mc = connect({ behaviors });
      expect(await failure(mc.getStats(group))).toMatchObject({
        name: 'UnknownStatKey',
        message: expect.stringMatching(binary ? /Not found/ : /ERROR/),
      });
      await expectUp(mc);
    },
  );

  it('detail dump, whose lines are no statistics', async () => {
    const mc = connect({ behaviors });
    await mc.getStats('detail on');
    await mc.get('prefix:key');
    const answer = mc.getStats('detail dump');
    if (binary) expect(JSON.stringify(await answer)).toMatch(/PREFIX prefix/);
    else
      expect(await failure(answer)).toMatchObject({
        name: 'UnknownReadFailure',
        message: expect.stringMatching(/STAT or END, not "PREFIX /),
      });
    await mc.getStats('detail off');
    expect(mc.metrics().servers[0]?.state).toBe('up');
    expect(await mc.set(uniqueKey(), 1)).toBe(true);
  });
});

describe('an answer without an end', () => {
  const connect = useClients();
  const untouched = useUntouchedServer();
  it.each(['sizes_enable', 'sizes_disable'])('stats %s is not asked for', async (group) => {
    expect(await failure(connect(untouched()).getStats(group))).toMatchObject({
      name: 'RangeError',
      message: expect.stringMatching(/does not end.*track_sizes/),
    });
  });
});

describe.each([false, true])('flushAll that is refused (memcached -F), binary: %s', (binary) => {
  const connect = useClients();
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached({ args: ['-F'] });
  });
  afterAll(stopAll);

  it.each([{}, { time: 5 }])('%j: it was not done, and the error quotes the answer', async (options) => {
    const mc = connect(server, { binary, behaviors: { remove_failed: 1, dead_timeout: 60 } });
    const key = uniqueKey();
    await mc.set(key, 'kept');
    expect(await failure(mc.flushAll(options))).toMatchObject({
      name: binary ? 'AuthenticationError' : 'ClientError',
      message: expect.stringMatching(binary ? /flush_all.*Auth failure/ : /CLIENT_ERROR flush_all not allowed/),
      outcomeUnknown: false,
    });
    expect(await mc.get(key)).toBe('kept');
    await expectUp(mc);
  });
});
