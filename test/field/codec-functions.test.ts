// Codecs as people write them (row V14): asynchronous ones are refused everywhere alike, and members of any kind are used.

import { Client, type Codec, type Serialized } from '../../lib/index';
import { failure, inEveryProtocol, stored, thrown } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const plain: Codec = { serialize: (value) => [String(value), 0], deserialize: (data) => data.toString() };
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};
beforeAll(() => process.on('unhandledRejection', onRejection));
afterAll(() => process.off('unhandledRejection', onRejection));

inEveryProtocol(({ server, connect, protocol }) => {
  const storing = (mc: Client, key: string): [string, () => Promise<unknown>][] => [
    ['set', () => mc.set(key, 'value')],
    ['add', () => mc.add(uniqueKey(), 'value')],
    ['replace', () => mc.replace(key, 'value')],
    ['cas', () => mc.cas(key, 'value', 1n)],
    ['setMulti', () => mc.setMulti({ [key]: 'value' })],
    ['addMulti', () => mc.addMulti({ [uniqueKey()]: 'value' })],
    ['getOrSet', () => mc.getOrSet(uniqueKey(), () => 'value')],
    ['namespace', () => mc.namespace('name').set(key, 'value')],
  ];

  it.each<[string, (value: unknown) => unknown]>([
    ['resolves', (value) => Promise.resolve([String(value), 0])],
    ['rejects', () => Promise.reject(new Error('later'))],
  ])('an async serialize that %s', async (_name, serialize) => {
    const mc = connect({ codec: { ...plain, serialize: serialize as never } });
    for (const [name, call] of storing(mc, uniqueKey())) {
      const error = await failure(call());
      expect([name, error.name, error.message]).toEqual([
        name,
        'TypeError',
        expect.stringMatching(/serialize.*Promise/),
      ]);
    }
    expect(thrown(() => mc.serialize('value')).name).toBe('TypeError');
    await new Promise(setImmediate);
    expect(rejections).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['resolves', () => Promise.resolve('value')],
    ['rejects', () => Promise.reject(new Error('later'))],
  ])('an async deserialize that %s', async (_name, deserialize) => {
    const mc = connect({ codec: { ...plain, deserialize } });
    const key = uniqueKey();
    await mc.set(key, 'value');
    const calls: [string, () => Promise<unknown>][] = [
      ['get', () => mc.get(key)],
      ['gets', () => mc.gets(key)],
      ['getMulti', () => mc.getMulti([key])],
      ['getsMulti', () => mc.getsMulti([key])],
      ['getOrSet', () => mc.getOrSet(key, () => 'other')],
    ];
    for (const [name, call] of calls) {
      const error = await failure(call());
      expect([name, error.name, error.message]).toEqual([
        name,
        'DeserializationError',
        expect.stringMatching(/deserialize.*Promise/),
      ]);
    }
    await new Promise(setImmediate);
    expect(rejections).toEqual([]);
  });

  it('an async compress', async () => {
    const mc = connect({
      codec: { ...plain, zlib: false, compress: () => Promise.reject(new Error('later')) as never },
    });
    expect(await failure(mc.set('key', 'value', { minCompressLen: 1 }))).toMatchObject({ name: 'TypeError' });
    await new Promise(setImmediate);
    expect(rejections).toEqual([]);
  });

  const own: Serialized = ['own', 0];
  class Fields extends Client {
    override serialize = (): Serialized => own;
    override deserialize = (data: Uint8Array): string => `read ${String(data)}`;
  }
  class Methods extends Client {
    override serialize(): Serialized {
      return own;
    }
    override deserialize(data: Uint8Array): string {
      return `read ${String(data)}`;
    }
  }
  const given: [string, (options: { binary: boolean }) => Client][] = [
    ['methods of a subclass', (options) => new Methods(server().address, options)],
    ['fields of a subclass', (options) => new Fields(server().address, options)],
    [
      'members of the object',
      (options) =>
        Object.assign(new Client(server().address, options), {
          serialize: () => own,
          deserialize: (data: Uint8Array) => `read ${String(data)}`,
        }),
    ],
    [
      'a codec of a class with fields',
      (options) =>
        new Client(server().address, {
          ...options,
          codec: new (class implements Codec {
            serialize = (): Serialized => own;
            deserialize = (data: Buffer): string => `read ${String(data)}`;
          })(),
        }),
    ],
  ];
  it.each(given)('%s', async (_name, make) => {
    const mc = make({ binary: protocol });
    for (const view of [mc, mc.namespace(uniqueKey())]) {
      const [key, other] = [uniqueKey(), uniqueKey()];
      await view.set(key, { any: 'value' });
      await view.setMulti({ [other]: 1 });
      expect(await view.get(key)).toBe('read own');
      expect((await view.gets(key))[0]).toBe('read own');
      expect(await view.getMulti([key, other])).toEqual(
        new Map([
          [key, 'read own'],
          [other, 'read own'],
        ]),
      );
    }
    const key = uniqueKey();
    await mc.set(key, 1);
    expect(await stored(server(), key)).toEqual({ bytes: 'own', flags: 0 });
    mc.destroy();
  });
});
