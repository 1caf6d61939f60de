// Namespaces: every operation in them, invalidation as other clients see it, and what becomes of a lost generation.

import { codecs } from '../../lib/index';
import { startFaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startRefusingPort } from '../support/fake-servers';
import type { MemcachedServer } from '../support/memcached-servers';
import { rawCommand } from '../support/raw-command';
import { failure, inEveryProtocol, statistic, store, stored, thrown, useClients, useServers } from '../support/clients';

const generationKey = (name: string): string => `@@generation:${name}`;

inEveryProtocol(({ connect, server }) => {
  it('has every operation of a key, apart from the plain keys and from other namespaces', async () => {
    const mc = connect();
    const name = uniqueKey('ns');
    const ns = mc.namespace(name);
    const other = mc.namespace(`${name}-other`);
    expect(ns.name).toBe(name);
    expect(await ns.set('a', { x: 1 }, 60)).toBe(true);
    expect(await ns.get('a')).toEqual({ x: 1 });
    expect([await mc.get('a'), await other.get('a')]).toEqual([undefined, undefined]);
    expect(await ns.get('b', 'otherwise')).toBe('otherwise');
    expect([await ns.has('a'), await ns.has('b')]).toEqual([true, false]);
    expect([await ns.add('a', 1), await ns.add('b', 2)]).toEqual([false, true]);
    expect([await ns.replace('a', 1), await ns.replace('c', 2)]).toEqual([true, false]);
    const [value, token] = await ns.gets<number>('a');
    expect(value).toBe(1);
    expect([await ns.cas('a', 5, token as bigint), await ns.cas('a', 6, token as bigint)]).toEqual([true, false]);
    expect(await ns.gets('c')).toEqual([undefined, undefined]);
    expect([await ns.incr('a'), await ns.decr('a', 3), await ns.incr('a', 2n, { bigint: true })]).toEqual([6, 3, 5n]);
    expect(await failure(ns.incr('c'))).toMatchObject({ name: 'NotFound' });
    expect(await ns.incrMulti(['a', 'b'], { delta: 10 })).toEqual(new Map(Object.entries({ a: 15, b: 12 })));
    expect(await ns.decrMulti(['a'])).toEqual(new Map([['a', 14]]));
    expect([await ns.set('t', 'x'), await ns.append('t', 'yz'), await ns.prepend('t', Buffer.from('w'))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(await ns.get('t')).toBe('wxyz');
    expect([await ns.touch('t', 60), await ns.touch('c', 60)]).toEqual([true, false]);
    expect(await ns.setMulti({ d: 1, e: 2 }, { keyPrefix: 'p:' })).toEqual([]);
    expect(await ns.addMulti(new Map([['d', 9]]), { keyPrefix: 'p:' })).toEqual(['d']);
    expect(await ns.getMulti(['d', 'e', 'f'], { keyPrefix: 'p:' })).toEqual(new Map(Object.entries({ d: 1, e: 2 })));
    expect(await ns.get('p:d')).toBe(1);
    const bytes = Buffer.from('e');
    const tokens = await ns.getsMulti<number>([bytes], { keyPrefix: 'p:' });
    expect(tokens.get(bytes)).toEqual([2, expect.any(BigInt)]);
    expect([await ns.deleteMulti(['d', 'e'], { keyPrefix: 'p:' }), await ns.deleteMulti(['d'])]).toEqual([true, false]);
    expect([await ns.delete('a'), await ns.delete('a')]).toEqual([true, false]);
    expect([await ns.incr('n', 1, { initial: 7 }), await ns.get('n'), await ns.incr('n', 2, { initial: 7 })]).toEqual([
      7, 7, 9,
    ]);
  });

  it('invalidate: everything is a miss for every client, at the cost of one write', async () => {
    const [mine, theirs] = [connect(), connect()].map((mc) => mc.namespace('inv'));
    if (mine === undefined || theirs === undefined) throw new Error();
    const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`);
    expect(await mine.setMulti(new Map(keys.map((key) => [key, 'old'])))).toEqual([]);
    expect((await theirs.getMulti(keys)).size).toBe(500);
    const before = await statistic(server(), 'cmd_set');
    await mine.invalidate();
    expect((await statistic(server(), 'cmd_set')) - before).toBe(1);
    // They still believe in the generation that they saw last.
    expect(await Promise.all([theirs.get('key-0'), theirs.has('key-1'), theirs.delete('key-2')])).toEqual([
      undefined,
      false,
      false,
    ]);
    expect((await theirs.getMulti(keys)).size).toBe(0);
    expect((await mine.getMulti(keys)).size).toBe(0);
    expect(await theirs.set('key-0', 'new')).toBe(true);
    expect(await mine.get('key-0')).toBe('new');
  });

  it('a write that was sent to an old generation is done once in the new one', async () => {
    const [mine, theirs] = [connect(), connect()].map((mc) => mc.namespace('once'));
    if (mine === undefined || theirs === undefined) throw new Error();
    await theirs.set('n', 100);
    await theirs.set('t', 'old');
    for (let round = 0; round < 20; ++round) {
      await mine.invalidate();
      await mine.set('n', 0);
      await mine.set('t', '');
      // Called at once, so that all but the first are under way when the first learns of the new generation.
      const counted = await Promise.all([theirs.incr('n'), theirs.incr('n'), theirs.incr('n', 5)]);
      expect(counted).toEqual([1, 2, 7]);
      expect(await Promise.all([theirs.append('t', 'a'), theirs.append('t', 'b')])).toEqual([true, true]);
      expect([await mine.get('n'), await mine.get('t')]).toEqual([7, 'ab']);
    }
  });

  it('keeps the order of operations on a key, also while the generation changes under them', async () => {
    const [mine, theirs] = [connect(), connect()].map((mc) => mc.namespace('order'));
    if (mine === undefined || theirs === undefined) throw new Error();
    for (let round = 0; round < 30; ++round) {
      const invalidated = mine.invalidate();
      const writes: Promise<unknown>[] = [];
      for (let index = 0; index < 20; ++index) {
        writes.push(theirs.set('key', index));
        if (index % 5 === 4) await new Promise(setImmediate);
      }
      const last = theirs.get('key');
      await Promise.all([...writes, invalidated]);
      expect([19, undefined]).toContain(await last);
      expect([19, undefined]).toContain(await mine.get('key'));
    }
  });

  it.each(['deleted', 'flushed'])('a generation that is %s never brings old values back', async (how) => {
    const [mine, theirs] = [connect(), connect()].map((mc) => mc.namespace(`lost-${how}`));
    if (mine === undefined || theirs === undefined) throw new Error();
    const seen = new Set<string>();
    for (let round = 0; round < 20; ++round) {
      await mine.set('key', `old-${round}`);
      expect(await theirs.get('key')).toBe(`old-${round}`);
      const plain = connect();
      seen.add((await stored(server(), generationKey(mine.name)))?.bytes ?? '');
      if (how === 'deleted')
        expect(await rawCommand(server(), `delete ${generationKey(mine.name)}\r\n`)).toBe('DELETED\r\n');
      else await plain.flushAll();
      // Both find that it is gone, at the same time: they agree on a new one.
      expect(await Promise.all([mine.get('key'), theirs.get('key')])).toEqual([undefined, undefined]);
      await theirs.set('key', 'agreed');
      expect(await mine.get('key')).toBe('agreed');
    }
    expect(seen.size).toBe(20);
  });

  it('values, keys and lists are taken as they are when the operation is called', async () => {
    const ns = connect().namespace(uniqueKey('copies'));
    const bytes = Buffer.from('before');
    const key = Buffer.from('bytes');
    const object = { x: 'before' };
    const list = ['a', 'b'];
    function* pairs(): Generator<[string, number]> {
      yield ['a', 1];
      yield ['b', 2];
    }
    // The generation is not known yet, so nothing is sent in this tick.
    const done = [ns.set(key, bytes), ns.set('object', object), ns.setMulti(pairs()), ns.getMulti(list)];
    bytes.write('after!');
    key.write('other');
    object.x = 'after';
    list.length = 0;
    const results = await Promise.all(done);
    expect(results[3]).toEqual(new Map(Object.entries({ a: 1, b: 2 })));
    expect(await ns.get('bytes')).toEqual(Buffer.from('before'));
    expect(await ns.get('object')).toEqual({ x: 'before' });
  });

  it('bad keys are refused, and named, before anything is sent', async () => {
    const mc = connect();
    const ns = mc.namespace(uniqueKey('bad'));
    for (const promise of [ns.get(''), ns.set('', 1), ns.append('', 'x'), ns.incr(''), ns.touch('', 1), ns.delete('')])
      expect(await failure(promise)).toMatchObject({ name: 'BadKeyProvided', key: '' });
    expect(await failure(ns.getMulti(['a', '']))).toMatchObject({ name: 'BadKeyProvided' });
    expect(await failure(ns.get('x'.repeat(240)))).toMatchObject({ name: 'BadKeyProvided' });
    expect(await failure(ns.get(5 as never))).toMatchObject({ name: 'TypeError' });
    expect(await failure(ns.set('key', undefined))).toMatchObject({ name: 'TypeError' });
    expect(await failure(ns.set('key', 1, -1))).toMatchObject({ name: 'RangeError' });
    expect(await failure(ns.get('key', undefined, { timeout: -1 }))).toMatchObject({ name: 'RangeError' });
    expect(await failure(ns.delete('key', { time: 1 } as never))).toMatchObject({ name: 'TypeError' });
    expect(await ns.get('key')).toBeUndefined();
  });

  it('works with any codec', async () => {
    const mc = connect({ codec: codecs.raw });
    const ns = mc.namespace(uniqueKey('raw'));
    await ns.set('key', { data: 'x', flags: 77 });
    expect(await ns.get('key')).toEqual({ data: Buffer.from('x'), flags: 77 });
    await ns.invalidate();
    expect(await ns.get('key')).toBeUndefined();
  });
});

describe('one server', () => {
  const servers = useServers(1);
  const connect = useClients();
  const server = () => servers()[0] as NonNullable<ReturnType<typeof servers>[0]>;

  it('asks for the generation and the key in one exchange', async () => {
    const proxy = await startFaultProxy(server());
    const mc = connect(proxy);
    const ns = mc.namespace('exchange');
    await ns.set('key', 'value');
    proxy.set('answers', { hold: true });
    proxy.forget();
    const value = ns.get('key');
    // No answer has come back yet, and both are asked for.
    while (!proxy.requests.includes('key')) await new Promise(setImmediate);
    expect(proxy.requests.includes('@@generation:exchange')).toBe(true);
    expect(proxy.requests.toString('latin1')).toMatch(/exchange:[\w-]{12}:key/);
    proxy.heal();
    expect(await value).toBe('value');
    await proxy.stop();
  });

  it('says if something else is stored under the key of the generation', async () => {
    const mc = connect(server());
    await store(server(), generationKey('taken'), 'a b', 16);
    expect(await failure(mc.namespace('taken').get('key'))).toMatchObject({
      name: 'Failure',
      message: expect.stringContaining('@@generation:taken'),
    });
  });

  it('checks names', () => {
    const mc = connect(server());
    expect(thrown(() => mc.namespace(''))).toMatchObject({ name: 'RangeError' });
    expect(thrown(() => mc.namespace('é'.repeat(101)))).toMatchObject({ name: 'RangeError' });
    expect(thrown(() => mc.namespace(7 as never))).toMatchObject({ name: 'TypeError' });
    expect(mc.namespace('é'.repeat(100)).name).toHaveLength(100);
  });

  it('of thousands of names the client remembers some; the others work as well', async () => {
    const mc = connect(server());
    const names = Array.from({ length: 1500 }, (_, index) => `many-${index}`);
    await Promise.all(names.map((name) => mc.namespace(name).set('key', name)));
    const values = await Promise.all(names.map((name) => mc.namespace(name).get('key')));
    expect(values).toEqual(names);
  });
});

describe('when the server of the generation fails', () => {
  const servers = useServers(1);
  const connect = useClients();
  const server = () => servers()[0] as NonNullable<ReturnType<typeof servers>[0]>;

  afterEach(() => {
    server().resume();
  });

  it('operations and invalidate end in time', async () => {
    const mc = connect(server());
    const ns = mc.namespace('hangs');
    await ns.set('n', 1);
    server().suspend();
    const start = performance.now();
    const options = { timeout: 300 };
    const errors = await Promise.all([
      failure(ns.get('n', undefined, options)),
      failure(ns.getMulti(['n'], options)),
      failure(ns.incr('n', 1, options)),
      failure(ns.set('n', 1, options)),
      failure(ns.invalidate(options)),
      failure(mc.namespace('hangs-unknown').set('n', 1, options)),
    ]);
    expect(errors.map((error) => error.name)).toEqual(Array(6).fill('TimeoutError'));
    expect(performance.now() - start).toBeLessThan(300 + 400);
  });

  it('a signal aborts', async () => {
    const ns = connect(server()).namespace('aborted');
    await ns.set('n', 1);
    server().suspend();
    const controller = new AbortController();
    const { signal } = controller;
    const errors = [
      failure(ns.get('n', undefined, { signal })),
      failure(ns.set('n', 1, { signal })),
      failure(ns.setMulti({ n: 1 }, { signal })),
    ];
    controller.abort(new Error('enough'));
    for (const error of await Promise.all(errors)) expect(error.message).toBe('enough');
    server().resume();
    expect(await ns.get('n')).toBe(1);
  });

  it('failSoft: reads are misses and writes are false, but invalidate and counters reject', async () => {
    const ns = connect(await startRefusingPort(), { failSoft: true, timeout: 1000 }).namespace('soft');
    expect(await ns.get('key', 'otherwise')).toBe('otherwise');
    expect(await ns.gets('key')).toEqual([undefined, undefined]);
    expect(await ns.has('key')).toBe(false);
    expect(await ns.getMulti(['key'])).toEqual(new Map());
    expect(await ns.set('key', 1)).toBe(false);
    expect(await ns.touch('key', 1)).toBe(false);
    expect(await ns.delete('key')).toBe(false);
    expect(await ns.deleteMulti(['key'])).toBe(false);
    expect(await ns.setMulti({ a: 1, b: 2 })).toEqual(['a', 'b']);
    for (const promise of [ns.incr('key'), ns.incrMulti(['key']), ns.invalidate()])
      expect((await failure(promise)).name).toMatch(/^(ConnectionError|ServerDown)$/);
  });
});

describe('two servers', () => {
  const servers = useServers(2);
  const connect = useClients();

  it('the outcome of a write is unknown if only the generation could not be read', async () => {
    const mc = connect(servers());
    const ns = mc.namespace('two');
    await ns.set('n', 1);
    const address = mc.serverFor(generationKey('two'));
    const holder = servers().find((each) => each.address === address);
    const generation = (await stored(holder as MemcachedServer, generationKey('two')))?.bytes ?? '';
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
    const elsewhere = keys.find((key) => mc.serverFor(`two:${generation}:${key}`) !== address);
    const server = servers().find((each) => each.address === address);
    server?.suspend();
    const options = { timeout: 200 };
    expect(await failure(ns.set(elsewhere as string, 2, options))).toMatchObject({
      name: 'TimeoutError',
      key: generationKey('two'),
      outcomeUnknown: true,
    });
    expect(await failure(ns.get(elsewhere as string, undefined, options))).toMatchObject({ outcomeUnknown: false });
    server?.resume();
    expect(await ns.get(elsewhere as string)).toBe(2);
  });
});
