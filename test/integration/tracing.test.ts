// The tracing channel libmemcached:command.

import diagnostics from 'node:diagnostics_channel';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client, CommandContext } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached } from '../support/memcached-servers';
import { failure, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(2);

const channel = diagnostics.tracingChannel<unknown, CommandContext>('libmemcached:command');

interface Event {
  name: string;
  context: CommandContext;
  /** As it was then. */
  snapshot: CommandContext;
}

/** Everything that is told while the function runs. */
async function listen(run: () => Promise<unknown>): Promise<Event[]> {
  const events: Event[] = [];
  const note = (name: string) => (context: CommandContext) => {
    events.push({ name, context, snapshot: { ...context } });
  };
  const subscriber = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  };
  channel.subscribe(subscriber);
  try {
    await run();
  } finally {
    channel.unsubscribe(subscriber);
  }
  return events;
}

const names = (events: readonly Event[]): string[] => events.map((event) => event.name);

function onlyContext(events: readonly Event[]): CommandContext {
  const contexts = new Set(events.map((event) => event.context));
  expect(contexts.size).toBe(1);
  return [...contexts][0] as CommandContext;
}

const successful = ['start', 'end', 'asyncStart', 'asyncEnd'];

describe.each([false, true])('failSoft: %s', (failSoft) => {
  const connected = (): Client => connect(servers(), { failSoft });

  test('an operation on one key', async () => {
    const mc = connected();
    const key = uniqueKey('traced');
    const [host, port] = mc.serverFor(key).split(':');
    const events = await listen(() => mc.set(key, 1));
    expect(names(events)).toEqual(successful);
    expect(events[0]?.snapshot).toEqual({
      operation: 'set',
      key,
      server: mc.serverFor(key),
      serverAddress: host,
      serverPort: Number(port),
    });
    expect(onlyContext(events)).toMatchObject({ result: true });
  });

  test('what operations are called', async () => {
    const mc = connected();
    const key = uniqueKey('named');
    const events = await listen(async () => {
      await mc.get(key);
      await mc.gets(key);
      await mc.has(key);
      await mc.add(key, 1);
      await mc.replace(key, 1);
      await mc.cas(key, 2, 1n);
      await mc.append(key, '1');
      await mc.prepend(key, '1');
      await mc.incr(key);
      await mc.decr(key, 1, { initial: 3 });
      await mc.touch(key, 10);
      await mc.delete(key);
    });
    const starts = events.filter((event) => event.name === 'start');
    expect(starts.map((event) => event.context.operation)).toEqual([
      ...['get', 'gets', 'get', 'add', 'replace', 'cas', 'append', 'prepend', 'incr', 'decr', 'touch', 'delete'],
    ]);
    expect(events.filter((event) => event.name === 'error')).toEqual([]);
  });

  test('an operation on every server is one for each', async () => {
    const mc = connected();
    const events = await listen(() => mc.version());
    const starts = events.filter((event) => event.name === 'start');
    expect(starts.map((event) => event.context)).toMatchObject(
      mc.servers.map((server) => ({ operation: 'version', server })),
    );
  });

  test('a multi is one, with all its keys as they go on the wire', async () => {
    const mc = connected();
    const keys = [uniqueKey(), uniqueKey()];
    const events = await listen(() => mc.getMulti(keys, { keyPrefix: 'p:' }));
    expect(names(events)).toEqual(successful);
    expect(events[0]?.snapshot).toEqual({ operation: 'get', keys: keys.map((key) => `p:${key}`) });
    expect(events[3]?.snapshot.failedKeys).toBe(0);
  });

  test('a multi of a client with one server names it', async () => {
    const server = servers()[0] as { address: string };
    const mc = connect(server, { failSoft });
    const events = await listen(() => mc.setMulti({ [uniqueKey()]: 1 }));
    expect(onlyContext(events)).toMatchObject({ operation: 'set', server: server.address });
  });

  test('an error', async () => {
    const mc = connected();
    const key = uniqueKey('missing');
    let error: unknown;
    const events = await listen(async () => {
      error = await failure(mc.incr(key));
    });
    expect(names(events)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(onlyContext(events).error).toBe(error);
  });

  test('a bad key, and what is no key at all', async () => {
    const mc = connected();
    for (const key of ['', 'x'.repeat(251), 7 as unknown as string]) {
      const events = await listen(() => failure(mc.get(key)));
      expect(names(events)).toContain('error');
      expect(events[0]?.snapshot).toEqual({ operation: 'get', key });
    }
  });

  test('members of a multi that failed', async () => {
    const mc = connected();
    const events = await listen(() => failure(mc.incrMulti([uniqueKey(), uniqueKey()])));
    expect(names(events)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(onlyContext(events)).toMatchObject({ failedKeys: 2, error: { name: 'NotFound' } });
  });

  test('a server that is gone: the error is told, whatever becomes of it', async () => {
    const server = await startMemcached();
    const mc = connect(server, { failSoft, timeout: 500 });
    await server.stop();
    const single = await listen(() => Promise.allSettled([mc.get(uniqueKey())]));
    expect(onlyContext(single)).toMatchObject({ error: { server: server.address } });
    const many = await listen(() => mc.setMulti({ a: 1, b: 2 }));
    expect(onlyContext(many)).toMatchObject({ failedKeys: 2, error: { server: server.address } });
    expect(names(many)).toContain('error');
  });
});

test('a subscriber of one channel alone is enough', async () => {
  const mc = connect(servers());
  for (const name of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const) {
    let told = 0;
    const count = (): void => {
      ++told;
    };
    diagnostics.subscribe(`tracing:libmemcached:command:${name}`, count);
    await mc.incr(uniqueKey()).catch(() => undefined);
    diagnostics.unsubscribe(`tracing:libmemcached:command:${name}`, count);
    expect(told).toBe(1);
  }
});

test('stores that are bound to start are there until the end', async () => {
  const storage = new AsyncLocalStorage<string>();
  const mc = connect(servers());
  const seen: (string | undefined)[] = [];
  const look = (): void => void seen.push(storage.getStore());
  channel.start.bindStore(storage, (context) => `a ${context.operation}`);
  diagnostics.subscribe('tracing:libmemcached:command:asyncEnd', look);
  await mc.get(uniqueKey());
  channel.start.unbindStore(storage);
  diagnostics.unsubscribe('tracing:libmemcached:command:asyncEnd', look);
  expect(seen).toEqual(['a get']);
});

test('operations keep their order when traced', async () => {
  const mc = connect(servers());
  const key = uniqueKey('order');
  await listen(async () => {
    const results = await Promise.all([
      mc.set(key, 'a'),
      mc.append(key, 'b'),
      mc.setMulti({ [key]: 'c' }),
      mc.append(key, 'd'),
      mc.get(key),
    ]);
    expect(results.at(-1)).toBe('cd');
  });
});

test('nobody listens: nothing is made', async () => {
  const mc = connect(servers());
  expect(channel.start.hasSubscribers).toBe(false);
  const spy = jest.spyOn(Object.getPrototypeOf(channel) as typeof channel, 'tracePromise');
  await mc.get(uniqueKey());
  await mc.getMulti([uniqueKey()]);
  expect(spy).not.toHaveBeenCalled();
  await listen(() => mc.get(uniqueKey()));
  expect(spy).toHaveBeenCalledTimes(1);
  spy.mockRestore();
});
