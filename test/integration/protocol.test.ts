import { uniqueKey } from '../support/unique-keys';
import { startNutcracker, type Nutcracker } from '../support/twemproxy';
import { rawCommand } from '../support/raw-command';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { failure, protocols, statistic, stored, useClients } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();
const badKeys: [string, string | Buffer][] = [
  ['a blank', 'a key'],
  ['a tab', 'a\tkey'],
  ['a line end', 'a\r\nflush_all\r\n'],
  ['a zero byte', 'a\0key'],
  ['127', Buffer.from([97, 127])],
  ['a control byte', Buffer.from([1])],
  ['blanks alone', '   '],
];

let both: MemcachedServer;
let ascii: MemcachedServer;
let binary: MemcachedServer;
let proxy: Nutcracker;
beforeAll(async () => {
  [both, ascii, binary] = await Promise.all([
    startMemcached(),
    startMemcached({ protocol: 'ascii' }),
    startMemcached({ protocol: 'binary' }),
  ]);
  proxy = await startNutcracker([both]);
});
afterAll(stopAll);

/** Whether a server is spoken to in binary shows in what keys it can take. */
async function speaksBinary(target: { address: string }, options = {}): Promise<boolean> {
  const mc = connect(target, options);
  const key = uniqueKey('with blank ');
  try {
    await mc.set(key, 'value');
    return (await mc.get(key)) === 'value';
  } catch (error) {
    expect(error).toMatchObject({ name: 'BadKeyProvided' });
    return false;
  }
}

describe('the protocol', () => {
  it('is text', async () => {
    for (const target of [both, ascii, proxy]) {
      expect(await speaksBinary(target)).toBe(false);
      const mc = connect(target);
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await mc.get(key)).toBe('value');
    }
  });

  it('is binary if that is said', async () => {
    expect(await speaksBinary(both, { binary: true })).toBe(true);
    expect(await speaksBinary(both, { binary: false })).toBe(false);
    expect(await speaksBinary(binary, { binary: true })).toBe(true);
    expect(await speaksBinary(ascii, { binary: false })).toBe(false);
    expect(await speaksBinary(proxy, { binary: false })).toBe(false);
  });

  it('text at a server that speaks only binary: an error, in time', async () => {
    const mc = connect(binary, { timeout: 500 });
    const start = Date.now();
    const error = await failure(mc.get('key'));
    expect(Date.now() - start).toBeLessThan(1000);
    expect(error).toMatchObject({ operation: 'get', key: 'key' });
    expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
  });

  it('binary at a server that speaks only text: an error, in time', async () => {
    for (const target of [ascii, proxy]) {
      const mc = connect(target, { binary: true, timeout: 500 });
      const start = Date.now();
      const error = await failure(mc.get('key'));
      expect(Date.now() - start).toBeLessThan(1000);
      expect(error).toMatchObject({ operation: 'get', key: 'key' });
      expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
    }
  });

  it.each(protocols)('one connection does it all (binary: %s)', async (choice) => {
    const server = choice ? binary : ascii;
    const control = connect(server, { binary: choice });
    const connections = async (): Promise<number> => Number((await control.getStats())[0]?.[1].total_connections);
    const mc = connect(server, { binary: choice });
    await mc.set('warm', 1);
    const before = await connections();
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    await Promise.all([mc.setMulti(keys.map((key) => [key, 1] as const)), ...keys.map((key) => mc.incr(key))]);
    await Promise.all([mc.getMulti(keys), ...keys.map((key) => mc.get(key))]);
    expect((await connections()) - before).toBe(0);
  });

  it('many gets in a row need no second connection and no time', async () => {
    const mc = connect(ascii);
    await mc.set('warm', 1);
    const before = await statistic(ascii, 'total_connections');
    const start = Date.now();
    for (let count = 0; count < 20; ++count) await mc.get('warm');
    expect(Date.now() - start).toBeLessThan(500);
    // The connection of the statistics itself counts.
    expect((await statistic(ascii, 'total_connections')) - before).toBe(1);
    await mc.close();
  });

  it('is the same for each of several servers', async () => {
    const mc = connect([both, ascii]);
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, key] as const));
    expect(await mc.getMulti(keys)).toEqual(new Map(keys.map((key) => [key, key])));
    const counters = Array.from({ length: 20 }, () => uniqueKey());
    const counts = await Promise.all(counters.map((key) => mc.incr(key, 1, { initial: 5 })));
    expect(counts).toEqual(counters.map(() => 5));
  });
});

describe('every operation, through', () => {
  it.each<[string, () => { address: string }, Record<string, unknown>]>([
    ['a server that speaks only text', () => ascii, {}],
    ['a server that speaks only binary', () => binary, { binary: true }],
    ['twemproxy', () => proxy, {}],
  ])('%s', async (_name, target, options) => {
    const mc = connect(target(), options);
    const [key, other] = [uniqueKey(), uniqueKey()];
    expect(await mc.get(key)).toBeUndefined();
    expect(await mc.set(key, { a: 1 })).toBe(true);
    expect(await mc.get(key)).toEqual({ a: 1 });
    expect(await mc.add(key, 1)).toBe(false);
    expect(await mc.add(other, 1)).toBe(true);
    expect(await mc.replace(key, 'text')).toBe(true);
    expect(await mc.append(key, '!')).toBe(true);
    expect(await mc.prepend(key, '¡')).toBe(true);
    expect(await mc.append(uniqueKey(), '!')).toBe(false);
    const [value, token] = await mc.gets(key);
    expect(value).toBe('¡text!');
    expect(await mc.cas(key, 'swapped', token as bigint)).toBe(true);
    expect(await mc.cas(key, 'again', token as bigint)).toBe(false);
    expect((await failure(mc.cas(uniqueKey(), 1, token as bigint))).name).toBe('NotFound');
    expect(await mc.incr(other, 41)).toBe(42);
    expect(await mc.decr(other, 2)).toBe(40);
    expect((await failure(mc.incr(uniqueKey()))).name).toBe('NotFound');
    const counter = uniqueKey();
    expect([await mc.incr(counter, 1, { initial: 5 }), await mc.incr(counter, 2, { initial: 5 })]).toEqual([5, 7]);
    expect(await mc.touch(other, 100)).toBe(true);
    expect(await mc.touch(uniqueKey(), 100)).toBe(false);
    const keys = Array.from({ length: 300 }, () => uniqueKey());
    expect(await mc.setMulti(keys.map((each) => [each, each] as const))).toEqual([]);
    expect(await mc.getMulti(keys)).toEqual(new Map(keys.map((each) => [each, each])));
    expect((await mc.getsMulti(keys)).size).toBe(300);
    expect(await mc.deleteMulti(keys)).toBe(true);
    expect([await mc.delete(key), await mc.delete(key)]).toEqual([true, false]);
  });

  it('twemproxy knows no flush_all and no stats: an error, and all goes on', async () => {
    const mc = connect(proxy, { timeout: 800, behaviors: { retry_timeout: 0 } });
    const key = uniqueKey();
    await mc.set(key, 'value');
    for (const call of [() => mc.flushAll(), () => mc.getStats()]) {
      const error = await failure(call());
      expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
      expect(error).toMatchObject({ server: proxy.address });
    }
    expect(await mc.get(key)).toBe('value');
  });
});

describe('keys that text cannot carry', () => {
  it.each(badKeys)('work in binary: %s', async (_name, key) => {
    for (const target of [both, binary]) {
      const mc = connect(target, { binary: true });
      await mc.set(key, 'value');
      expect(await mc.get(key)).toBe('value');
      expect(await mc.getMulti([key, 'none'])).toEqual(new Map([[key, 'value']]));
      expect(await mc.delete(key)).toBe(true);
    }
  });

  const textTargets: [string, () => MemcachedServer, false | undefined][] = [
    ['a server that speaks both', () => both, false],
    ['a server that speaks only text', () => ascii, undefined],
  ];

  describe.each(textTargets)('are refused in text: %s', (_name, target, choice) => {
    it.each(badKeys)('%s', async (_name, key) => {
      const mc = connect(target(), { binary: choice });
      const witness = uniqueKey();
      await mc.set(witness, 'here');
      const names = ['cmd_get', 'cmd_set', 'cmd_touch', 'cmd_flush'];
      const counts = (): Promise<number[]> => Promise.all(names.map((name) => statistic(target(), name)));
      const before = await counts();
      const calls: [string, () => Promise<unknown>][] = [
        ['get', () => mc.get(key)],
        ['gets', () => mc.gets(key)],
        ['get', () => mc.has(key)],
        ['set', () => mc.set(key, 1)],
        ['add', () => mc.add(key, 1)],
        ['replace', () => mc.replace(key, 1)],
        ['append', () => mc.append(key, 'data')],
        ['prepend', () => mc.prepend(key, 'data')],
        ['cas', () => mc.cas(key, 1, 1n)],
        ['incr', () => mc.incr(key)],
        ['decr', () => mc.decr(key)],
        ['delete', () => mc.delete(key)],
        ['touch', () => mc.touch(key, 1)],
      ];
      const errors = await Promise.all(calls.map(([, call]) => failure(call())));
      for (const [index, error] of errors.entries()) {
        expect(error).toMatchObject({
          name: 'BadKeyProvided',
          code: 'ERR_MEMCACHED_BAD_KEY',
          operation: calls[index]?.[0],
          key,
          outcomeUnknown: false,
        });
      }
      expect(await counts()).toEqual(before);
      expect(await mc.get(witness)).toBe('here');
    });

    it('among the keys of a multi: the call rejects and names it, the next one works', async () => {
      const mc = connect(target(), { binary: choice });
      const [a, b] = [uniqueKey(), uniqueKey()];
      const bad = `${a} ${b}`;
      await mc.setMulti({ [a]: 1, [b]: 2 });
      const calls = [
        () => mc.getMulti([a, bad, b]),
        () => mc.getsMulti([a, bad, b]),
        () => mc.setMulti({ [a]: 1, [bad]: 1, [b]: 2 }),
        () => mc.addMulti({ [bad]: 1 }),
        () => mc.incrMulti([bad, a], { delta: 0 }),
        () => mc.deleteMulti([bad]),
        () => mc.getMulti(['x'], { keyPrefix: 'a prefix' }),
      ];
      for (const call of calls) {
        const error = await failure(call());
        expect(error.name).toBe('BadKeyProvided');
        expect([bad, 'x']).toContain(error.key);
        expect(await mc.getMulti([a, b])).toEqual(
          new Map([
            [a, 1],
            [b, 2],
          ]),
        );
      }
      expect(await stored(target(), a)).toEqual({ bytes: '1', flags: 4 });
    });

    it('never spoil operations beside them', async () => {
      const mc = connect(target(), { binary: choice });
      const keys = Array.from({ length: 100 }, () => uniqueKey());
      await mc.setMulti(keys.map((key) => [key, key] as const));
      const calls = keys.flatMap((key) => [
        mc.get(key),
        mc.get(`${key} x`).catch((error: unknown) => (error as Error).name),
      ]);
      expect(await Promise.all(calls)).toEqual(keys.flatMap((key) => [key, 'BadKeyProvided']));
    });
  });

  it('cannot inject a command', async () => {
    await rawCommand(ascii, 'set witness 0 0 1\r\nx\r\n');
    const mc = connect(ascii);
    await failure(mc.get('a\r\nflush_all'));
    await failure(mc.set('a 0 0 1\r\nx\r\nflush_all\r\nset b', 'x'));
    await failure(mc.getMulti(['a\r\nflush_all\r\nget b']));
    expect(await stored(ascii, 'witness')).toEqual({ bytes: 'x', flags: 0 });
  });
});

it.each(protocols)('UTF-8 keys work in every protocol (binary: %s)', async (choice) => {
  const mc = connect(both, { binary: choice });
  const key = uniqueKey('schlüssel-鍵-🔑-\u00a0-');
  await mc.set(key, 1);
  expect(await mc.get(key)).toBe(1);
});
