// failSoft: a cache outage never breaks a request; the errors are told on the diagnostics channel.

import diagnostics from 'node:diagnostics_channel';
import type { ClientOptions } from '../../lib/index';
import { startRefusingPort, startSilentServer } from '../support/fake-servers';
import { failure, MARGIN, protocols, timed, until, useClients, useFreshServers } from '../support/failover-clusters';

const servers = useFreshServers(2);
const connect = useClients();

const published: Error[] = [];
const listener = (message: unknown): void => {
  published.push((message as { error: Error }).error);
};
beforeEach(() => {
  published.length = 0;
  diagnostics.subscribe('libmemcached:failure', listener);
});
afterEach(() => {
  diagnostics.unsubscribe('libmemcached:failure', listener);
});

async function refusing(options?: ClientOptions) {
  return connect(await startRefusingPort(), { failSoft: true, timeout: 1000, ...options });
}

describe.each(protocols)('binary: %s', (binary) => {
  it('reads are misses', async () => {
    const mc = await refusing({ binary });
    expect(await mc.get('key')).toBeUndefined();
    expect(await mc.get('key', 'otherwise')).toBe('otherwise');
    expect(await mc.get('key', null)).toBeNull();
    expect(await mc.gets('key')).toEqual([undefined, undefined]);
    expect(await mc.has('key')).toBe(false);
    expect(await mc.getMulti(['a', 'b'])).toEqual(new Map());
    expect(await mc.getsMulti(['a'])).toEqual(new Map());
    expect(published.length).toBeGreaterThanOrEqual(8);
    for (const error of published) expect(['ConnectionError', 'ServerDown']).toContain(error.name);
    expect(published[0]).toMatchObject({ operation: 'get', key: 'key', server: mc.serverFor('key') });
  });

  it('writes are false', async () => {
    const mc = await refusing({ binary });
    expect(await mc.set('key', 1)).toBe(false);
    expect(await mc.add('key', 1)).toBe(false);
    expect(await mc.replace('key', 1)).toBe(false);
    expect(await mc.append('key', 'x')).toBe(false);
    expect(await mc.prepend('key', 'x')).toBe(false);
    expect(await mc.cas('key', 1, 1n)).toBe(false);
    expect(await mc.touch('key', 1)).toBe(false);
    expect(await mc.delete('key')).toBe(false);
    expect(await mc.deleteMulti(['a', 'b'])).toBe(false);
    expect(await mc.setMulti({ a: 1, b: 2 })).toEqual(['a', 'b']);
    expect(await mc.addMulti({ a: 1 })).toEqual(['a']);
    expect(published.length).toBeGreaterThanOrEqual(13);
  });

  it('a timeout is an outage, and still ends in time', async () => {
    const silent = await startSilentServer();
    const mc = connect(silent, { binary, failSoft: true, timeout: 200 });
    const read = await timed(mc.get('key', 'miss'));
    expect(read).toMatchObject({ outcome: 'ok', value: 'miss' });
    expect(read.milliseconds).toBeLessThan(200 + MARGIN);
    expect(published.map(({ name }) => name)).toEqual(['TimeoutError']);
    await silent.stop();
  });

  it('a multi-get gives what the other server has', async () => {
    const mc = connect(servers(), { binary, failSoft: true, timeout: 3000 });
    const keys = Array.from({ length: 20 }, (_, index) => `soft-${index}`);
    expect(await mc.setMulti(Object.fromEntries(keys.map((key) => [key, key])))).toEqual([]);
    expect(published).toEqual([]);
    const [victim] = servers();
    await victim?.kill();
    const left = keys.filter((key) => mc.serverFor(key) !== victim?.address);
    expect([...(await mc.getMulti(keys)).keys()]).toEqual(left);
    expect(published).toHaveLength(keys.length - left.length);
    expect(await mc.setMulti(Object.fromEntries(keys.map((key) => [key, 1])))).toEqual(
      keys.filter((key) => !left.includes(key)),
    );
    await victim?.restart();
    await mc.disconnectAll();
    expect(await mc.set('soft-0', 1)).toBe(true);
  });
});

it('Busy is an outage', async () => {
  const silent = await startSilentServer();
  const mc = connect(silent, { failSoft: true, timeout: 200, maxPending: 2 });
  const calls = [mc.get('a', 0), mc.get('b', 0), mc.get('c', 0), mc.set('d', 1), mc.getMulti(['e', 'f', 'g'])];
  expect(await Promise.all(calls)).toEqual([0, 0, 0, false, new Map()]);
  expect(published.filter(({ name }) => name === 'Busy')).toHaveLength(3);
  await silent.stop();
});

it('mistakes and counters reject as ever', async () => {
  const mc = await refusing();
  const down = ['ConnectionError', 'ServerDown'];
  expect((await failure(mc.get(''))).name).toBe('BadKeyProvided');
  expect((await failure(mc.set('k'.repeat(251), 1))).name).toBe('BadKeyProvided');
  expect((await failure(mc.getMulti(['ok', '']))).name).toBe('BadKeyProvided');
  expect(await failure(mc.set('key', undefined))).toBeInstanceOf(TypeError);
  expect(await failure(mc.get('key', undefined, { timeout: -1 }))).toBeInstanceOf(RangeError);
  const reason = new Error('enough');
  expect(await failure(mc.get('key', undefined, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  published.length = 0;
  expect(down).toContain((await failure(mc.incr('key'))).name);
  expect(down).toContain((await failure(mc.incrMulti(['key']))).name);
  expect(down).toContain((await failure(mc.version())).name);
  expect(published).toEqual([]);
  mc.destroy();
  expect((await failure(mc.get('key'))).name).toBe('ClientClosed');
});

it('a value that cannot be read, or is too big, is the caller’s', async () => {
  const mc = connect(servers(), { failSoft: true, timeout: 5000 });
  expect((await failure(mc.set('big', Buffer.alloc(2_000_000)))).name).toBe('TooBig');
  expect(await mc.get('missing', 'otherwise')).toBe('otherwise');
  expect(await mc.delete('missing')).toBe(false);
  expect(published).toEqual([]);
});

it('clones are soft, too', async () => {
  const copy = (await refusing()).clone();
  expect(await copy.get('key')).toBeUndefined();
  copy.destroy();
});

it('without failSoft everything rejects, and nothing is published', async () => {
  const mc = await refusing({ failSoft: false });
  expect((await failure(mc.get('key'))).name).toBe('ConnectionError');
  await until(() => mc.explain('key').serverState === 'down');
  expect((await failure(mc.set('key', 1))).name).toBe('ServerDown');
  expect(published).toEqual([]);
});
