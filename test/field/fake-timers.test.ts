// Timers, nextTick and clocks that a test has replaced (row V10) do not reach operations on real sockets.

import { EventEmitter } from 'node:events';
import { mock } from 'node:test';
import { MemcachedStore } from '../../lib/integrations/express-session';
import { ClientPool } from '../../lib/index';
import { failure, inEveryProtocol, useClients } from '../support/clients';
import { startSilentServer } from '../support/fake-servers';
import { uniqueKey } from '../support/unique-keys';

const all = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'] as const;

/** Whether it settles in real time; the test's own timers may be fake. */
const real = { setTimeout, performance, now: performance.now.bind(performance) };
async function soon<T>(promise: Promise<T>, milliseconds = 3000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = real.setTimeout(() => {
      reject(new Error('it hangs'));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.unref();
  }
}

const fakes: [string, () => void, () => void][] = [
  ['all of jest’s', () => jest.useFakeTimers(), () => jest.useRealTimers()],
  [
    'performance alone',
    () => jest.useFakeTimers({ doNotFake: [...all, 'nextTick', 'Date', 'queueMicrotask', 'hrtime'] }),
    () => jest.useRealTimers(),
  ],
  [
    'nextTick alone',
    () => jest.useFakeTimers({ doNotFake: [...all, 'performance', 'Date'] }),
    () => jest.useRealTimers(),
  ],
  ['jest’s, at another time', () => jest.useFakeTimers({ now: new Date('1999-01-01') }), () => jest.useRealTimers()],
  [
    'node:test’s',
    () => {
      mock.timers.enable();
    },
    () => {
      mock.timers.reset();
    },
  ],
];

inEveryProtocol(({ connect }) => {
  const silent = useClients();

  describe.each(fakes)('fake timers: %s', (_name, fake, restore) => {
    afterEach(restore);

    it('operations of every kind settle', async () => {
      const mc = connect();
      fake();
      const key = uniqueKey();
      expect(await soon(mc.set(key, 1))).toBe(true);
      expect(await soon(mc.get(key))).toBe(1);
      expect(await soon(mc.getMulti([key]))).toEqual(new Map([[key, 1]]));
      expect(await soon(mc.incr(uniqueKey(), 1, { initial: 7 }))).toBe(7);
      expect(await soon(mc.version())).toHaveProperty('size', 1);
      const namespace = mc.namespace(uniqueKey());
      expect(await soon(namespace.set('key', 'value', { timeout: 1000 }))).toBe(true);
      await soon(namespace.invalidate());
      expect(await soon(mc.getOrSet(uniqueKey(), () => 'loaded', { time: 10, staleFor: 10 }))).toBe('loaded');
      await soon(mc.close());
    });

    it('callers that wait for another one’s load get it', async () => {
      const [one, other] = [connect(), connect()];
      fake();
      const key = uniqueKey();
      let finish = (_value: string): void => undefined;
      let loading: Promise<string> | undefined;
      await soon(
        new Promise<void>((started) => {
          loading = one.getOrSet(
            key,
            () =>
              new Promise<string>((resolve) => {
                finish = resolve;
                started();
              }),
          );
        }),
      );
      const waiting = other.getOrSet(key, () => 'other');
      await soon(other.version());
      await soon(other.get(key));
      finish('value');
      expect(await soon(loading as Promise<string>)).toBe('value');
      expect(await soon(waiting)).toBe('value');
    });

    it('deadlines are real', async () => {
      const server = await startSilentServer();
      const mc = silent(server, { timeout: 150 });
      fake();
      const start = real.now();
      expect(await soon(failure(mc.get('key')))).toMatchObject({ name: 'TimeoutError' });
      expect(real.now() - start).toBeGreaterThan(100);
      const pool = new ClientPool(mc, 1);
      void pool.reserve(() => new Promise<void>(() => undefined));
      const late = failure(pool.reserve(() => 1, { block: true, timeout: 30 }));
      expect(await soon(late)).toMatchObject({ name: 'TimeoutError' });
      const pending = Array.from({ length: 300 }, () => failure(mc.get('key')));
      mc.destroy();
      for (const each of pending) expect(await soon(each)).toMatchObject({ name: 'ClientClosed' });
      await server.stop();
    });
  });

  it('the session store calls back', async () => {
    const store = new MemcachedStore(connect());
    jest.useFakeTimers();
    const done = new EventEmitter();
    const called = EventEmitter.once(done, 'done');
    store.destroy('sid', () => done.emit('done'));
    await soon(called);
    jest.useRealTimers();
  });
});
