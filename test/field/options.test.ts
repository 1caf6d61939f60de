// Options with a name that a method does not have are refused, everywhere (row V3); and so is a callback, at once (row V21).

import { Client, ClientPool } from '../../lib/index';
import { KeyvMemcached } from '../../lib/integrations/keyv';
import { LibmemcachedInstrumentation } from '../../lib/integrations/otel';
import { MemcachedStore } from '../../lib/integrations/express-session';
import { failure, inEveryProtocol, thrown, useClients, useUntouchedServer } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

type Call = [string, (options: never) => Promise<unknown>];

const connect = useClients();
const untouched = useUntouchedServer();

/** Every method that takes options; each is given them in the place where they belong. */
function withOptions(mc: Client): Call[] {
  const ofKeys = (name: string, view: Pick<Client, 'get'> & Client): Call[] => [
    [`${name}.get`, (options) => view.get('k', undefined, options)],
    [`${name}.gets`, (options) => view.gets('k', options)],
    [`${name}.has`, (options) => view.has('k', options)],
    [`${name}.getMulti`, (options) => view.getMulti(['k'], options)],
    [`${name}.getsMulti`, (options) => view.getsMulti(['k'], options)],
    [`${name}.set`, (options) => view.set('k', 1, options)],
    [`${name}.add`, (options) => view.add('k', 1, options)],
    [`${name}.replace`, (options) => view.replace('k', 1, options)],
    [`${name}.cas`, (options) => view.cas('k', 1, 1n, options)],
    [`${name}.append`, (options) => view.append('k', 'x', options)],
    [`${name}.prepend`, (options) => view.prepend('k', 'x', options)],
    [`${name}.setMulti`, (options) => view.setMulti({ k: 1 }, options)],
    [`${name}.addMulti`, (options) => view.addMulti({ k: 1 }, options)],
    [`${name}.delete`, (options) => view.delete('k', options)],
    [`${name}.deleteMulti`, (options) => view.deleteMulti(['k'], options)],
    [`${name}.touch`, (options) => view.touch('k', 1, options)],
    [`${name}.incr`, (options) => view.incr('k', 1, options)],
    [`${name}.decr`, (options) => view.decr('k', 1, options)],
    [`${name}.incrMulti`, (options) => view.incrMulti(['k'], options)],
    [`${name}.decrMulti`, (options) => view.decrMulti(['k'], options)],
    [`${name}.getOrSet`, (options) => view.getOrSet('k', () => 1, options)],
  ];
  return [
    ...ofKeys('client', mc),
    ...ofKeys('namespace', mc.namespace('n') as never),
    ['namespace.invalidate', (options) => mc.namespace('n').invalidate(options)],
    ['flushAll', (options) => mc.flushAll(options)],
    ['getStats', (options) => mc.getStats(undefined, options)],
    ['version', (options) => mc.version(options)],
    ['disconnectAll', (options) => mc.disconnectAll(options)],
    ['pool.reserve', (options) => new ClientPool(mc, 1).reserve(() => 1, options)],
  ];
}

describe('options', () => {
  const names = ['timout', 'keyprefix', 'expires', 'Signal', 'constructor', ''];
  it.each(names)('of the name %j: a TypeError that names it', async (name) => {
    const mc = connect(untouched());
    for (const [method, call] of withOptions(mc)) {
      const error = await failure(call(Object.fromEntries([[name, 1]]) as never));
      expect([method, error.name, error.message]).toEqual([
        method,
        'TypeError',
        expect.stringContaining(
          `unknown option ${JSON.stringify(name)}; valid options: timeout`.slice(0, -'timeout'.length),
        ),
      ]);
    }
  });

  it('that another method has', async () => {
    const mc = connect(untouched());
    const calls = [
      () => mc.get('k', undefined, { keyPrefix: 'x' } as never),
      () => mc.getMulti(['k'], { delta: 1 } as never),
      () => mc.set('k', 1, { keyPrefix: 'x' } as never),
      () => mc.touch('k', 1, { time: 5 } as never),
      () => mc.append('k', 'x', { minCompressLen: 1 } as never),
      () => mc.incr('k', 1, { delta: 1 } as never),
      () => mc.setMulti({ k: 1 }, { staleFor: 5 } as never),
      () => mc.getStats('items', { time: 5 } as never),
    ];
    for (const call of calls) expect(await failure(call())).toMatchObject({ name: 'TypeError' });
  });

  it('that are none', async () => {
    const mc = connect(untouched());
    for (const [method, call] of withOptions(mc)) {
      for (const options of [null, 'x', true, 5n, [1], Symbol('s')]) {
        const error = await failure(call(options as never));
        expect([method, error.name]).toEqual([method, expect.stringMatching(/^TypeError$/)]);
      }
    }
  });

  it('of constructors', () => {
    const calls = [
      () => new Client('127.0.0.1', { binery: true } as never),
      () => new Client('127.0.0.1', { behaviors: { ketamma: true } as never }),
      () => new KeyvMemcached('127.0.0.1', { nameSpace: 'x' } as never),
      () => new MemcachedStore('127.0.0.1', { Prefix: 'x' } as never),
      () => new LibmemcachedInstrumentation({ key: true } as never),
    ];
    for (const call of calls)
      expect(thrown(call)).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/"/) });
    const mc = connect(untouched());
    expect(
      thrown(() => {
        mc.setBehaviors({ no: 1 } as never);
      }).message,
    ).toMatch(/"no"/);
    expect(
      thrown(() => {
        mc.behaviors = { no: 1 } as never;
      }).message,
    ).toMatch(/"no"/);
    expect(
      thrown(() => {
        new LibmemcachedInstrumentation({ enabled: false }).setConfig({ key: 1 } as never);
      }),
    ).toMatchObject({ name: 'TypeError' });
    expect(thrown(() => new ClientPool({} as never, 1))).toMatchObject({ name: 'TypeError' });
  });
});

describe('a callback', () => {
  const callback = (): void => undefined;

  it('where options belong throws at once, and points to the callback interface', () => {
    const mc = connect(untouched());
    for (const [method, call] of withOptions(mc)) {
      if (method === 'pool.reserve') continue;
      let error: unknown;
      try {
        void call(callback as never).catch(() => undefined);
      } catch (caught) {
        error = caught;
      }
      expect([method, String(error)]).toEqual([method, expect.stringMatching(/^TypeError: .*libmemcached\/memcached/)]);
    }
  });

  it('where npm’s memcached takes it', () => {
    const mc = connect(untouched()) as unknown as Record<string, (...given: unknown[]) => unknown>;
    const calls: [string, unknown[]][] = [
      ['get', ['k']],
      ['gets', ['k']],
      ['getMulti', [['k']]],
      ['set', ['k', 1, 10]],
      ['add', ['k', 1, 10]],
      ['replace', ['k', 1, 10]],
      ['cas', ['k', 1, 1n, 10]],
      ['append', ['k', 'x']],
      ['incr', ['k', 1]],
      ['incr', ['k']],
      ['decr', ['k', 1]],
      ['touch', ['k', 10]],
      ['delete', ['k']],
      ['flushAll', []],
      ['getStats', []],
      ['version', []],
    ];
    for (const [method, args] of calls)
      expect([method, String(thrown(() => mc[method]?.(...args, callback)))]).toEqual([
        method,
        expect.stringMatching(/libmemcached\/memcached/),
      ]);
  });
});

inEveryProtocol(({ connect: make }) => {
  it('options without a meaning are none: undefined, no members, members that are undefined', async () => {
    const mc = make();
    const key = uniqueKey();
    for (const options of [undefined, {}, { timeout: undefined, signal: undefined }, Object.create(null) as object]) {
      expect(await mc.set(key, 1, options)).toBe(true);
      expect(await mc.get(key, undefined, options)).toBe(1);
      expect(await mc.getMulti([key], options)).toEqual(new Map([[key, 1]]));
      expect(await mc.namespace('n').set(key, 1, options)).toBe(true);
      expect(await mc.getOrSet(key, () => 2, options)).toBe(1);
      expect(await mc.version(options)).toHaveProperty('size', 1);
    }
  });

  it('options of a class, with getters', async () => {
    const mc = make();
    const key = uniqueKey();
    class Options {
      readonly #time = 100;
      get time(): number {
        return this.#time;
      }
    }
    expect(await mc.set(key, 1, new Options())).toBe(true);
    expect(await mc.get(key)).toBe(1);
  });
});
