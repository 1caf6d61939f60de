// getOrSet: one load for many callers and clients, stale values, leases that are lost, outages, and deadlines.

import diagnostics from 'node:diagnostics_channel';
import { codecs, type Client, type Namespace } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startRefusingPort } from '../support/fake-servers';
import { failure, inEveryProtocol, secondsLeft, sleep, stored, useClients, useServers } from '../support/clients';

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

/** A loader that is waited for: `begun` resolves when it is called, `finish` and `fail` settle it. */
function controlled<T>() {
  let began!: () => void;
  let finish!: (value: T) => void;
  let fail!: (error: Error) => void;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const value = new Promise<T>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const load = jest.fn(() => {
    began();
    return value;
  });
  return { begun, finish, fail, load };
}

/** Calls until something is so; fails after five seconds. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 5000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('it never was');
    await sleep(5);
  }
}

inEveryProtocol(({ connect, server }) => {
  it('loads what is not there, once, and stores it', async () => {
    const mc = connect();
    const key = uniqueKey();
    const load = jest.fn((given: unknown) => Promise.resolve({ given }));
    expect(await mc.getOrSet(key, load, { time: 100 })).toEqual({ given: key });
    expect(await mc.getOrSet(key, load, { time: 100 })).toEqual({ given: key });
    expect(load).toHaveBeenCalledTimes(1);
    // As any other client would have stored it.
    expect(await mc.get(key)).toEqual({ given: key });
    expect(await secondsLeft(server(), key)).toBeGreaterThan(95);
    expect(await secondsLeft(server(), key)).toBeLessThanOrEqual(100);
    expect(await mc.getOrSet(key, load)).toEqual({ given: key });
  });

  it('a thousand callers: one load', async () => {
    const mc = connect();
    const key = Buffer.from(uniqueKey('bytes \n').replaceAll(' \n', ''));
    const { load, finish, begun } = controlled<number>();
    const calls = Array.from({ length: 1000 }, () => mc.getOrSet(key, load, 60));
    await begun;
    calls.push(mc.getOrSet(key, load, 60));
    finish(7);
    expect(new Set(await Promise.all(calls))).toEqual(new Set([7]));
    expect(load).toHaveBeenCalledTimes(1);
    expect(await mc.get(key)).toBe(7);
  });

  it('two clients: one loads, the other waits for it', async () => {
    const [mine, theirs] = [connect(), connect()];
    const key = uniqueKey();
    const { load, finish, begun } = controlled<string>();
    const first = mine.getOrSet(key, load, 60);
    await begun;
    const other = jest.fn(() => 'theirs');
    const second = theirs.getOrSet(key, other, 60);
    await sleep(50);
    finish('mine');
    expect(await Promise.all([first, second])).toEqual(['mine', 'mine']);
    expect(other).not.toHaveBeenCalled();
  });

  it('what the loader throws reaches all who wait in this process, and nobody else', async () => {
    const [mine, theirs] = [connect(), connect()];
    const key = uniqueKey();
    const { load, fail, begun } = controlled<string>();
    const calls = [mine.getOrSet(key, load, 60), mine.getOrSet(key, load, 60)].map(failure);
    await begun;
    const second = theirs.getOrSet(key, () => 'theirs', { time: 60, leaseFor: 100 });
    fail(new Error('no database'));
    for (const error of await Promise.all(calls)) expect(error.message).toBe('no database');
    expect(load).toHaveBeenCalledTimes(1);
    // It did not have to wait for the lease to run out.
    expect(await second).toBe('theirs');
    const throwing = (): string => {
      throw new Error('at once');
    };
    expect((await failure(mine.getOrSet(uniqueKey(), throwing))).message).toBe('at once');
  });

  it('stale values are served while one client loads', async () => {
    const [mine, theirs] = [connect(), connect()];
    const key = uniqueKey();
    const options = { time: 1, staleFor: 100 };
    expect(await mine.getOrSet(key, () => 'old', options)).toBe('old');
    expect(await secondsLeft(server(), key)).toBeGreaterThan(95);
    const { load, finish, begun } = controlled<string>();
    await until(async () => (await stored(server(), `@@lease:${key}`)) === undefined);
    const calls = Array.from({ length: 200 }, (_, index) => (index % 2 ? mine : theirs).getOrSet(key, load, options));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['old']));
    await begun;
    expect(await theirs.getOrSet(key, load, options)).toBe('old');
    finish('new');
    await until(async () => (await mine.getOrSet(key, load, options)) === 'new');
    expect(await theirs.getOrSet(key, load, { time: 100, staleFor: 100 })).toBe('new');
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('a load in the background that fails is published, and tried again', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const options = { time: 100, staleFor: 100 };
    // Somebody else stored it, so its age is not known: it is due.
    expect(await mc.getOrSet(key, () => Promise.reject(new Error('no database')), options)).toBe('old');
    await until(() => published.length > 0);
    expect(published.map((error) => error.message)).toEqual(['no database']);
    const load = jest.fn(() => 'new');
    await until(async () => (await mc.getOrSet(key, load, options)) === 'new');
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('a fresh value that was deleted or evicted is loaded again at once', async () => {
    const mc = connect();
    const key = uniqueKey();
    const options = { time: 100, staleFor: 100, leaseFor: 100 };
    expect(await mc.getOrSet(key, () => 1, options)).toBe(1);
    await mc.delete(key);
    expect(await mc.getOrSet(key, () => 2, options)).toBe(2);
    await mc.delete(key);
    expect(await mc.getOrSet(key, () => 3, 100)).toBe(3);
  });

  it('what was written while it was being loaded is newer', async () => {
    const mc = connect();
    const key = uniqueKey();
    const { load, finish, begun } = controlled<string>();
    const call = mc.getOrSet(key, load, 60);
    await begun;
    await mc.set(key, 'newer');
    finish('older');
    expect(await call).toBe('older');
    expect(await mc.get(key)).toBe('newer');

    // The same for a load in the background.
    const refreshed = uniqueKey();
    await mc.set(refreshed, 'stale');
    const again = controlled<string>();
    const options = { time: 60, staleFor: 60 };
    expect(await mc.getOrSet(refreshed, again.load, options)).toBe('stale');
    await again.begun;
    await mc.set(refreshed, 'newer');
    again.finish('older');
    await until(async () => (await stored(server(), `@@lease:${refreshed}`))?.bytes === 'free');
    expect(await mc.get(refreshed)).toBe('newer');

    // And one that was deleted is not brought back.
    const deleted = uniqueKey();
    await mc.set(deleted, 'stale');
    const third = controlled<string>();
    expect(await mc.getOrSet(deleted, third.load, options)).toBe('stale');
    await third.begun;
    await mc.delete(deleted);
    third.finish('older');
    await until(async () => (await stored(server(), `@@lease:${deleted}`))?.bytes === 'free');
    expect(await mc.get(deleted)).toBeUndefined();
  });

  it('null is a value; undefined is returned, and not stored', async () => {
    const mc = connect();
    const [nothing, nil] = [uniqueKey(), uniqueKey()];
    const load = jest.fn((): string | undefined => undefined);
    expect(await mc.getOrSet(nothing, load, { time: 60, leaseFor: 100 })).toBeUndefined();
    expect(await mc.getOrSet(nothing, load, { time: 60, leaseFor: 100 })).toBeUndefined();
    expect(load).toHaveBeenCalledTimes(2);
    expect(await mc.has(nothing)).toBe(false);
    const loadNull = jest.fn(() => null);
    expect(await mc.getOrSet(nil, loadNull)).toBeNull();
    expect(await mc.getOrSet(nil, loadNull)).toBeNull();
    expect(loadNull).toHaveBeenCalledTimes(1);
  });

  it('a value that cannot be stored is an error, and the lease is given up', async () => {
    const mc = connect();
    const key = uniqueKey();
    const options = { time: 60, leaseFor: 100 };
    const unstorable = () => Promise.resolve(() => 'a function');
    expect(await failure(mc.getOrSet(key, unstorable, options))).toMatchObject({ name: 'TypeError' });
    const big = () => 'x'.repeat(2 ** 21);
    expect(await failure(mc.getOrSet(key, big, options))).toMatchObject({ name: 'TooBig' });
    expect(await mc.getOrSet(key, () => 'small', options)).toBe('small');
  });

  it('works with any codec, and compresses', async () => {
    const mc = connect({ codec: codecs.raw });
    const key = uniqueKey();
    const value = { data: Buffer.from('x'), flags: 9 };
    const options = { time: 1, staleFor: 60 };
    expect(await mc.getOrSet(key, () => value, options)).toEqual(value);
    expect(await mc.getOrSet(key, () => value, options)).toEqual(value);
    const compressed = uniqueKey();
    await connect().getOrSet(compressed, () => 'x'.repeat(5000), { minCompressLen: 100 });
    expect((await stored(server(), compressed))?.bytes.length).toBeLessThan(1000);
  });
});

describe('leases and deadlines', () => {
  const servers = useServers(1);
  const connect = useClients();
  const server = () => servers()[0] as NonNullable<ReturnType<typeof servers>[0]>;

  it('a lost lease never overwrites a newer value', async () => {
    const [slow, quick] = [connect(server()), connect(server())];
    const key = uniqueKey();
    const { load, finish, begun } = controlled<string>();
    const options = { time: 60, leaseFor: 1 };
    const first = slow.getOrSet(key, load, { ...options, timeout: 20_000 });
    await begun;
    // It waits until the lease has run out, and loads itself.
    expect(await quick.getOrSet(key, () => 'newer', { ...options, timeout: 20_000 })).toBe('newer');
    finish('older');
    expect(await first).toBe('older');
    expect(await slow.get(key)).toBe('newer');
  });

  it('a lost lease does not get in the way of who has it now', async () => {
    const [slow, quick] = [connect(server()), connect(server())];
    const key = uniqueKey();
    const [older, newer] = [controlled<string>(), controlled<string>()];
    const options = { time: 60, leaseFor: 1, timeout: 20_000 };
    const first = slow.getOrSet(key, older.load, options);
    await older.begun;
    const second = quick.getOrSet(key, newer.load, options);
    await newer.begun;
    older.finish('older');
    expect(await first).toBe('older');
    expect(await slow.get(key)).toBeUndefined();
    newer.finish('newer');
    expect(await second).toBe('newer');
    expect(await slow.get(key)).toBe('newer');
  });

  it('a loader that hangs: its callers end in time, and after leaseFor nobody waits for it any more', async () => {
    const mc = connect(server());
    const key = uniqueKey();
    const never = jest.fn(() => new Promise<string>(() => undefined));
    const options = { time: 60, leaseFor: 1 };
    const start = performance.now();
    const error = await failure(mc.getOrSet(key, never, { ...options, timeout: 300 }));
    expect(error).toMatchObject({ name: 'TimeoutError', operation: 'getOrSet', key });
    expect(performance.now() - start).toBeLessThan(300 + 400);
    const second = failure(mc.getOrSet(key, () => 'not called', { ...options, timeout: 300 }));
    expect(await second).toMatchObject({ name: 'TimeoutError' });
    await sleep(500);
    expect(await mc.getOrSet(key, () => 'loaded', { ...options, timeout: 20_000 })).toBe('loaded');
    expect(never).toHaveBeenCalledTimes(1);
  });

  it('who waits for somebody else ends in time, too', async () => {
    const [mine, theirs] = [connect(server()), connect(server())];
    const key = uniqueKey();
    const { load, begun, finish } = controlled<string>();
    const first = mine.getOrSet(key, load, 60);
    await begun;
    const start = performance.now();
    const never = jest.fn(() => 'never');
    const late = failure(theirs.getOrSet(key, never, { time: 60, timeout: 300 }));
    const { signal, abort } = ((controller) => ({
      signal: controller.signal,
      abort: (reason: Error) => {
        controller.abort(reason);
      },
    }))(new AbortController());
    const aborted = failure(theirs.getOrSet(key, never, { time: 60, signal }));
    await sleep(50);
    abort(new Error('enough'));
    expect((await aborted).message).toBe('enough');
    expect(performance.now() - start).toBeLessThan(50 + 200);
    expect(await late).toMatchObject({ name: 'TimeoutError', operation: 'getOrSet', key });
    expect(performance.now() - start).toBeLessThan(300 + 400);
    expect(await failure(theirs.getOrSet(key, never, { signal }))).toMatchObject({ message: 'enough' });
    finish('loaded');
    expect(await first).toBe('loaded');
    expect(never).not.toHaveBeenCalled();
  });

  it('an outage of the cache: the value is loaded, once in this process', async () => {
    const mc = connect(await startRefusingPort(), { timeout: 1000 });
    const { load, finish, begun } = controlled<string>();
    const calls = Array.from({ length: 50 }, () => mc.getOrSet('key', load, { time: 60, staleFor: 60 }));
    await begun;
    await sleep(20);
    finish('loaded');
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['loaded']));
    expect(load).toHaveBeenCalledTimes(1);
    expect(published[0]?.name).toMatch(/ConnectionError|ServerDown/);
    expect(await mc.namespace('ns').getOrSet('key', () => 'loaded')).toBe('loaded');
    const thrown = mc.getOrSet('key', () => Promise.reject(new Error('no database')));
    expect((await failure(thrown)).message).toBe('no database');
  });

  it('a server that hangs costs its timeout, and the value is loaded', async () => {
    const mc = connect(server(), { timeout: 200 });
    server().suspend();
    const start = performance.now();
    expect(await mc.getOrSet(uniqueKey(), () => 'loaded')).toBe('loaded');
    expect(performance.now() - start).toBeLessThan(200 + 400);
    server().resume();
  });

  it('a cache that fails while the value is loaded does not lose it', async () => {
    const mc = connect(server(), { timeout: 200 });
    const key = uniqueKey();
    const { load, finish, begun } = controlled<string>();
    const call = mc.getOrSet(key, load, 60);
    await begun;
    server().suspend();
    finish('loaded');
    expect(await call).toBe('loaded');
    server().resume();
    const other = connect(server());
    const closing = controlled<string>();
    const last = other.getOrSet(uniqueKey(), closing.load, 60);
    await closing.begun;
    await other.close();
    closing.finish('loaded');
    expect(await last).toBe('loaded');
    expect(await failure(other.getOrSet(uniqueKey(), () => 1))).toMatchObject({ name: 'ClientClosed' });
  });

  it('says what is wrong with the arguments, before anything is loaded', async () => {
    const mc = connect(server());
    const load = jest.fn(() => 1);
    const wrong: [name: string, message: RegExp, call: (view: Client | Namespace) => Promise<unknown>][] = [
      ['TypeError', /loader/, (view) => view.getOrSet('key', 5 as never)],
      ['TypeError', /key/, (view) => view.getOrSet(5 as never, load)],
      ['BadKeyProvided', /empty/, (view) => view.getOrSet('', load)],
      ['BadKeyProvided', /lease/, (view) => view.getOrSet('x'.repeat(245), load)],
      ['RangeError', /not -1/, (view) => view.getOrSet('key', load, -1)],
      ['TypeError', /staleFor/, (view) => view.getOrSet('key', load, { staleFor: 5 })],
      ['RangeError', /staleFor/, (view) => view.getOrSet('key', load, { time: 5, staleFor: 0.5 })],
      ['TypeError', /staleFor/, (view) => view.getOrSet('key', load, { time: 5, staleFor: '5' as never })],
      ['RangeError', /leaseFor/, (view) => view.getOrSet('key', load, { leaseFor: 0 })],
      ['RangeError', /leaseFor/, (view) => view.getOrSet('key', load, { leaseFor: 100_000 })],
      ['RangeError', /timeout/, (view) => view.getOrSet('key', load, { timeout: 0 })],
      ['TypeError', /signal/, (view) => view.getOrSet('key', load, { signal: 5 as never })],
      ['RangeError', /compressLevel/, (view) => view.getOrSet('key', load, { compressLevel: 10 })],
    ];
    for (const view of [mc, mc.namespace('wrong')]) {
      for (const [name, message, call] of wrong) {
        const error = await failure(call(view));
        expect([error.name, error.message]).toEqual([name, expect.stringMatching(message)]);
      }
    }
    expect(load).not.toHaveBeenCalled();
  });

  it('in a namespace: what was being loaded when it was invalidated is not found afterwards', async () => {
    const mc = connect(server());
    const ns = mc.namespace(uniqueKey('ns'));
    const { load, finish, begun } = controlled<string>();
    const first = ns.getOrSet('key', load, 60);
    await begun;
    expect(await mc.get('key')).toBeUndefined();
    await connect(server()).namespace(ns.name).invalidate();
    // Neither joins the load that is under way, nor waits for its lease.
    expect(await ns.getOrSet('key', () => 'new', 60)).toBe('new');
    finish('old');
    expect(await first).toBe('old');
    expect(await ns.get('key')).toBe('new');
    expect(await ns.getOrSet('key', load, { time: 60, staleFor: 60, timeout: 1000 })).toBe('new');
  });
});
