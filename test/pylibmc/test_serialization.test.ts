// pylibmc's tests/test_serialization.py.

import { CacheMiss, Client, type Serialized } from '../../lib/index';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

const F_NONE = 0;
const F_INT = 2;
const F_LONG = 4;
const F_TEXT = 16;
/** pylibmc's flags; ours are above them. */
const PYLIBMCS = 31;

let server: MemcachedServer;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startMemcached();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(stopAll);

function make<T extends Client>(client: T): T {
  clients.push(client);
  return client;
}

describe('SerializationMethodTests', () => {
  it('test_integers', () => {
    const c = make(new Client(server.address, { binary: true }));
    expect(c.serialize(1)).toEqual([Buffer.from('1'), F_LONG]);
    const [data, flags] = c.serialize(2n ** 64n);
    expect([data, flags & PYLIBMCS]).toEqual([Buffer.from('18446744073709551616'), F_LONG]);
    expect(c.deserialize(Buffer.from('18446744073709551616'), F_LONG)).toBe(2n ** 64n);
    expect(c.deserialize(Buffer.from('18446744073709551616'), flags)).toBe(2n ** 64n);
    expect(c.deserialize(Buffer.from('1'), F_LONG)).toBe(1);
  });

  it.each<[unknown, Buffer, number]>([
    [true, Buffer.from('1'), F_INT],
    [false, Buffer.from('0'), F_INT],
    [Buffer.from('asdf'), Buffer.from('asdf'), F_NONE],
    [Buffer.from('b5b1bfeda9c27b38', 'hex'), Buffer.from('b5b1bfeda9c27b38', 'hex'), F_NONE],
    [Buffer.alloc(0), Buffer.alloc(0), F_NONE],
    ['åäö', Buffer.from('c3a5c3a4c3b6', 'hex'), F_TEXT],
    ['', Buffer.alloc(0), F_TEXT],
    [{ date: [2015, 12, 28] }, Buffer.from('{"date":[2015,12,28]}'), F_TEXT],
  ])('test_nonintegers: %p', (value, expectedData, expectedFlags) => {
    const c = make(new Client(server.address, { binary: true }));
    const [data, flags] = c.serialize(value);
    expect(Buffer.from(data as Buffer)).toEqual(expectedData);
    expect(flags & PYLIBMCS).toBe(expectedFlags);
    expect(c.deserialize(data as Buffer, flags)).toEqual(value);
  });
});

describe('SerializationTests', () => {
  it('test_override_deserialize', async () => {
    const classes = new Map<string, (fields: { a: number }) => unknown>();
    class MyObject {
      readonly a = 1;
      toJSON(): object {
        return { class: 'MyObject', a: this.a };
      }
    }
    const ignored: unknown[] = [];
    class MyClient extends Client {
      override deserialize(data: Uint8Array, flags: number): unknown {
        try {
          const value = super.deserialize(data, flags) as { class?: string; a: number } | null;
          if (value?.class === undefined) return value;
          const revive = classes.get(value.class);
          if (revive === undefined) throw new ReferenceError(`no class ${value.class}`);
          return revive(value);
        } catch (error) {
          ignored.push(error);
          throw new CacheMiss();
        }
      }
    }
    classes.set('MyObject', ({ a }) => {
      expect(a).toBe(1);
      return new MyObject();
    });

    const c = make(new MyClient(server.address, { behaviors: { cas: true } }));
    expect(await c.get('notathing')).toBeUndefined();
    await c.set('foo', 'foo');
    await c.set('myobj', new MyObject());
    await c.set('noneobj', null);
    await c.set('myobj2', new MyObject());

    // At first all is regular.
    const keys = ['foo', 'myobj', 'noneobj', 'cachemiss'];
    expect(await c.get('myobj')).toEqual(new MyObject());
    expect(await c.getMulti(keys)).toEqual(
      new Map<string, unknown>([
        ['foo', 'foo'],
        ['myobj', new MyObject()],
        ['noneobj', null],
      ]),
    );
    expect((await c.gets('myobj2'))[0]).toEqual(new MyObject());
    expect(ignored).toEqual([]);

    // The subclass makes a miss of what it cannot read any more.
    classes.clear();
    expect(await c.get('myobj')).toBeUndefined();
    expect(await c.getMulti(keys)).toEqual(
      new Map([
        ['foo', 'foo'],
        ['noneobj', null],
      ]),
    );
    expect(await c.gets('myobj2')).toEqual([undefined, undefined]);
    expect(ignored).toHaveLength(3);
    expect(ignored.every((error) => error instanceof ReferenceError)).toBe(true);
    expect(await c.get('myobj', 'default')).toBe('default');
    // A clone is of the same class.
    expect(await make(c.clone()).get('myobj', 'default')).toBe('default');
  });

  it('test_refcounts: constants instead of values', async () => {
    const SENTINEL = {};
    const DUMMY = Buffer.from('dummy');
    const KEY = Buffer.from('fwLiDZKV7IlVByM5bVDNkg');
    const seen: [string, number][] = [];
    class MyClient extends Client {
      override serialize(): Serialized {
        return [DUMMY, 1];
      }
      override deserialize(data: Uint8Array, flags: number): unknown {
        seen.push([Buffer.from(data).toString(), flags]);
        return SENTINEL;
      }
    }
    const c = make(new MyClient(server.address));
    await c.set(KEY, 'PVILgNVNkCfMkQup5vkGSQ');
    expect(await c.get(KEY)).toBe(SENTINEL);
    const values = await c.getMulti([KEY]);
    expect([...values]).toEqual([[KEY, SENTINEL]]);
    expect(values.get(KEY)).toBe(SENTINEL);
    await c.setMulti([[KEY, true]]);
    expect(await c.get(KEY)).toBe(SENTINEL);
    expect(seen).toEqual([
      ['dummy', 1],
      ['dummy', 1],
      ['dummy', 1],
    ]);
  });

  it('test_override_serialize', async () => {
    class MyClient extends Client {
      override serialize(value: unknown): Serialized {
        const json = JSON.stringify(value) as string | undefined;
        if (json === undefined) throw new TypeError('no JSON');
        return [Buffer.from(json), 0];
      }
      override deserialize(data: Uint8Array, flags: number): unknown {
        expect(flags).toBe(0);
        return JSON.parse(Buffer.from(data).toString());
      }
    }
    const c = make(new MyClient(server.address));
    await c.set('foo', new Uint8Array([1, 2, 3, 4]));
    expect(await c.get('foo')).toEqual({ 0: 1, 1: 2, 2: 3, 3: 4 });
    await c.set('foo', [1, 2, 3, 4]);
    expect(await c.get('foo')).toEqual([1, 2, 3, 4]);
    await expect(c.set('bar', () => undefined)).rejects.toThrow(TypeError);
    await expect(c.setMulti({ baz: 1, bar: () => undefined })).rejects.toThrow(TypeError);
    expect([await c.has('bar'), await c.has('baz')]).toEqual([false, false]);
  });

  it.each<[string, unknown]>([
    ['test_invalid_flags_returned', [Buffer.from('dummy'), {}]],
    ['test_invalid_flags_returned_2', 'ab'],
    ['no flags', [Buffer.from('dummy')]],
    ['negative flags', [Buffer.from('dummy'), -1]],
    ['too large flags', [Buffer.from('dummy'), 2 ** 32]],
    ['fractional flags', [Buffer.from('dummy'), 1.5]],
    ['no bytes', [123, 0]],
    ['nothing', undefined],
  ])('%s', async (_name, nonsense) => {
    class MyClient extends Client {
      override serialize(): Serialized {
        return nonsense as Serialized;
      }
    }
    const c = make(new MyClient(server.address));
    // Which of the two is not the point; that it says so, and sends nothing, is.
    const expected = { name: expect.stringMatching(/^(TypeError|RangeError)$/) };
    await expect(c.set('key', 123456)).rejects.toMatchObject(expected);
    await expect(c.setMulti({ key: 'ab' })).rejects.toMatchObject(expected);
    expect(await c.has('key')).toBe(false);
  });
});
