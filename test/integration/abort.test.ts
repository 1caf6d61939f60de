import { getEventListeners } from 'node:events';

import type { CallOptions, Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startSilentServer, type FakeServer } from '../support/fake-servers';
import { failure, inEveryProtocol, protocols, sleep, useClients, useUntouchedServer } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();

const calls: [string, (mc: Client, options: CallOptions) => Promise<unknown>][] = [
  ['get', (mc, options) => mc.get('key', undefined, options)],
  ['gets', (mc, options) => mc.gets('key', options)],
  ['has', (mc, options) => mc.has('key', options)],
  ['getMulti', (mc, options) => mc.getMulti(['key', 'other'], options)],
  ['getsMulti', (mc, options) => mc.getsMulti(['key', 'other'], options)],
  ['set', (mc, options) => mc.set('key', 1, options)],
  ['add', (mc, options) => mc.add('key', 1, options)],
  ['replace', (mc, options) => mc.replace('key', 1, options)],
  ['cas', (mc, options) => mc.cas('key', 1, 1n, options)],
  ['append', (mc, options) => mc.append('key', 'data', options)],
  ['prepend', (mc, options) => mc.prepend('key', 'data', options)],
  ['setMulti', (mc, options) => mc.setMulti({ key: 1, other: 2 }, options)],
  ['addMulti', (mc, options) => mc.addMulti({ key: 1, other: 2 }, options)],
  ['incr', (mc, options) => mc.incr('key', 1, options)],
  ['decr', (mc, options) => mc.decr('key', 1, options)],
  ['incrMulti', (mc, options) => mc.incrMulti(['key', 'other'], options)],
  ['decrMulti', (mc, options) => mc.decrMulti(['key', 'other'], options)],
  ['delete', (mc, options) => mc.delete('key', options)],
  ['deleteMulti', (mc, options) => mc.deleteMulti(['key', 'other'], options)],
  ['touch', (mc, options) => mc.touch('key', 1, options)],
  ['flushAll', (mc, options) => mc.flushAll(options)],
  ['getStats', (mc, options) => mc.getStats(undefined, options)],
  ['version', (mc, options) => mc.version(options)],
];

describe('a signal that is aborted already', () => {
  const untouched = useUntouchedServer();

  it.each(calls)('%s rejects with its reason, and nothing is sent', async (_name, call) => {
    const reason = new Error('of the test');
    expect(await failure(call(connect(untouched()), { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('has a reason of its own if none was given', async () => {
    const error = await failure(connect(untouched()).get('key', undefined, { signal: AbortSignal.abort() }));
    expect(error.name).toBe('AbortError');
  });

  it.each(calls)('%s refuses what is no signal', async (_name, call) => {
    for (const signal of [5, 'abort', {}, new AbortController(), null]) {
      const error = await failure(call(connect(untouched()), { signal: signal as never }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('signal');
    }
  });
});

describe.each(protocols)('aborted after it was sent (binary: %s)', (binary) => {
  let silent: FakeServer;
  beforeAll(async () => {
    silent = await startSilentServer();
  });
  afterAll(() => silent.stop());

  it('rejects with the reason, at once', async () => {
    const controller = new AbortController();
    const mc = connect(silent, { binary, timeout: 10_000 });
    const promises = calls.map(([, call]) => failure(call(mc, { signal: controller.signal })));
    await sleep(50);
    const reason = new Error('enough');
    const start = performance.now();
    controller.abort(reason);
    for (const error of await Promise.all(promises)) expect(error).toBe(reason);
    expect(performance.now() - start).toBeLessThan(300);
  });

  it('in the tick of the call, too', async () => {
    const controller = new AbortController();
    const mc = connect(silent, { binary, timeout: 10_000 });
    const promises = calls.map(([, call]) => failure(call(mc, { signal: controller.signal })));
    controller.abort(new Error('at once'));
    for (const error of await Promise.all(promises)) expect(error.message).toBe('at once');
  });

  it('takes any reason', async () => {
    const mc = connect(silent, { binary, timeout: 10_000 });
    const controller = new AbortController();
    const promise = mc.get('key', undefined, { signal: controller.signal }).catch((error: unknown) => error);
    controller.abort('a string');
    expect(await promise).toBe('a string');
    expect((await failure(mc.get('key', undefined, { signal: AbortSignal.timeout(50) }))).name).toBe('TimeoutError');
  });

  it('its deadline counts as well', async () => {
    const mc = connect(silent, { binary });
    const error = await failure(mc.get('key', undefined, { signal: new AbortController().signal, timeout: 50 }));
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_MEMCACHED_TIMEOUT' });
  });
});

inEveryProtocol(({ connect: connectTo }) => {
  it('what was aborted leaves the others alone, and the same key in order', async () => {
    const mc = connectTo();
    const key = uniqueKey();
    const controller = new AbortController();
    const { signal } = controller;
    const first = mc.set(key, 'first');
    const aborted = [failure(mc.set(key, 'aborted', { signal })), failure(mc.getMulti([key, 'other'], { signal }))];
    controller.abort(new Error('enough')); // none of them has been sent: a tick sends at its end, or when it calls many
    const last = mc.append(key, '-last');
    for (const error of await Promise.all(aborted)) expect(error.message).toBe('enough');
    expect(await Promise.all([first, last])).toEqual([true, true]);
    expect(await mc.get(key)).toBe('first-last');
  });

  it('a get that waits for the same key as an aborted one is answered', async () => {
    const mc = connectTo();
    const key = uniqueKey();
    await mc.set(key, 'value');
    const controller = new AbortController();
    const aborted = failure(mc.get(key, undefined, { signal: controller.signal }));
    const others = [mc.get(key), mc.gets(key), mc.getMulti([key])];
    controller.abort(new Error('enough'));
    expect((await aborted).message).toBe('enough');
    expect(await Promise.all(others)).toEqual(['value', ['value', expect.any(BigInt)], new Map([[key, 'value']])]);
  });

  it('one of two callers of the same key aborts: in flight, too', async () => {
    const mc = connectTo();
    const key = uniqueKey();
    await mc.set(key, 'value');
    for (let round = 0; round < 20; ++round) {
      const controller = new AbortController();
      const aborted = mc.get(key, undefined, { signal: controller.signal }).catch((error: unknown) => error);
      const other = mc.get(key);
      setImmediate(() => {
        controller.abort('enough');
      });
      expect(['enough', 'value']).toContain(await aborted);
      expect(await other).toBe('value');
    }
  });

  it('aborted when all is done: nothing happens, and no listener stays', async () => {
    const mc = connectTo();
    const controller = new AbortController();
    const signal = controller.signal;
    const [add, remove] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    await mc.set(uniqueKey(), 1, { signal });
    await mc.getMulti([uniqueKey(), uniqueKey()], { signal });
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
    controller.abort();
    await mc.get(uniqueKey());
  });

  it('one signal for many calls of every kind: Node has no reason to warn', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', onWarning);
    const mc = connectTo();
    const controller = new AbortController();
    const { signal } = controller;
    const many = <T>(call: () => Promise<T>): Promise<T>[] => Array.from({ length: 30 }, call);
    const space = mc.namespace(uniqueKey());
    const load = (): Promise<number> => new Promise(() => undefined);
    await Promise.all([
      ...many(() => mc.getMulti([uniqueKey(), uniqueKey()], { signal })),
      ...many(() => mc.setMulti({ [uniqueKey()]: 1 }, { signal })),
      ...many(() => mc.get(uniqueKey(), undefined, { signal })),
      ...many(() => space.getMulti([uniqueKey()], { signal })),
    ]);
    const waiting = many(() => failure(mc.getOrSet(uniqueKey(), load, { signal })));
    await sleep(50);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    for (const error of await Promise.all(waiting)) expect(error.name).toBe('AbortError');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});
