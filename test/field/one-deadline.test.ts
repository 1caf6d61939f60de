// A call that takes several requests has one deadline for all of them (row V22), and says in time that it has passed.
// A counter that is created: test/integration/initial-counters.test.ts. A server that hangs: test/ecosystem/namespaces.test.ts.

import type { CallOptions, Client, Namespace } from '../../lib/index';
import { failure, protocols, useClients } from '../support/clients';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { slowness } from '../support/sanitizers';
import { uniqueKey } from '../support/unique-keys';

const connect = useClients();
let server: MemcachedServer;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await startMemcached();
});
beforeEach(async () => {
  proxy = await startFaultProxy(server);
});
afterEach(() => proxy.stop());
afterAll(stopAll);

/** One answer fits, two do not. */
const ANSWER_MS = 250;
const TIMEOUT_MS = 400;
const MARGIN_MS = 100 * slowness;

/** What a multi did not store, it resolves to. */
function rejectUnstored(keys: readonly unknown[]): void {
  if (keys.length > 0) throw Object.assign(new Error('not stored'), { name: 'TimeoutError' });
}

describe.each(protocols)('binary: %s', (binary) => {
  async function slowed(): Promise<Client> {
    const mc = connect(proxy, { binary, timeout: 10_000 });
    await mc.get(uniqueKey());
    proxy.set('answers', { delay: ANSWER_MS });
    return mc;
  }

  /** The error, which came in time. */
  async function late(call: () => Promise<unknown>): Promise<Error> {
    const start = performance.now();
    const error = await failure(call());
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(ANSWER_MS);
    expect(took).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(error.name).toBe('TimeoutError');
    return error;
  }

  /** Read, then made, then used: a generation that nobody knows yet takes two answers before the operation is sent. */
  const calls: [string, (ns: Namespace, key: string, options: CallOptions) => Promise<unknown>][] = [
    ['get', (ns, key, options) => ns.get(key, undefined, options)],
    ['getMulti', (ns, key, options) => ns.getMulti([key], options)],
    ['set', (ns, key, options) => ns.set(key, 1, options)],
    ['addMulti', (ns, key, options) => ns.addMulti({ [key]: 1 }, options).then(rejectUnstored)],
    ['incr', (ns, key, options) => ns.incr(key, 1, options)],
    ['incr with initial', (ns, key, options) => ns.incr(key, 1, { ...options, initial: 1 })],
    ['delete', (ns, key, options) => ns.delete(key, options)],
    ['getOrSet', (ns, key, options) => ns.getOrSet(key, () => 1, options)],
  ];

  it.each(calls)('in a namespace whose generation nobody knows: %s', async (_name, call) => {
    const mc = await slowed();
    await late(() => call(mc.namespace(uniqueKey()), uniqueKey(), { timeout: TIMEOUT_MS }));
  });

  it.each(calls)('in a namespace that somebody has invalidated: %s', async (_name, call) => {
    const name = uniqueKey();
    const mc = connect(proxy, { binary, timeout: 10_000 });
    const ns = mc.namespace(name);
    await ns.set('known', 1);
    await connect(server, { binary }).namespace(name).invalidate();
    proxy.set('answers', { delay: ANSWER_MS });
    await late(() => call(ns, uniqueKey(), { timeout: TIMEOUT_MS }));
  });

  it('the client’s own timeout is one, too', async () => {
    const mc = connect(proxy, { binary, timeout: TIMEOUT_MS });
    await mc.get(uniqueKey());
    proxy.set('answers', { delay: ANSWER_MS });
    const key = uniqueKey();
    await late(() => mc.namespace(uniqueKey()).set(key, 1));
    await late(() => mc.incr(key, 1, { initial: 1 }));
  });

  it('getOrSet, whose lease takes as long as its value', async () => {
    const mc = await slowed();
    await late(() => mc.getOrSet(uniqueKey(), () => 1, { timeout: TIMEOUT_MS }));
  });

  it('with time enough for all of it, nothing is late', async () => {
    const mc = await slowed();
    const ns = mc.namespace(uniqueKey());
    const key = uniqueKey();
    expect(await ns.set(key, 1, { timeout: 5000 })).toBe(true);
    expect(await ns.get(key, undefined, { timeout: 5000 })).toBe(1);
  });
});
