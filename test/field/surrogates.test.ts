// Strings with lone surrogates (row V8): UTF-8 cannot say them, so two keys would meet, and values would be read back as
// others.

import { KeyvMemcached } from '../../lib/integrations/keyv';
import { Client, codecs, type CodecName } from '../../lib/index';
import { failure, inEveryProtocol, thrown, useClients, useUntouchedServer } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const lone: string[] = ['\ud800', 'a\udc00b', '\udfff\ud800', '😀'.slice(0, 1), 'x'.repeat(60) + '\ud83d'];

const connect = useClients();
const untouched = useUntouchedServer();

describe.each(lone)('%j', (text) => {
  it('no key, prefix or namespace', async () => {
    const mc = connect(untouched(), { binary: true });
    const namespace = mc.namespace('name');
    for (const view of [mc, namespace]) {
      const calls = [
        () => view.get(text),
        () => view.gets(text),
        () => view.has(text),
        () => view.set(text, 1),
        () => view.add(text, 1),
        () => view.replace(text, 1),
        () => view.cas(text, 1, 1n),
        () => view.append(text, 'x'),
        () => view.incr(text),
        () => view.incr(text, 1, { initial: 1 }),
        () => view.touch(text, 1),
        () => view.delete(text),
        () => view.getOrSet(text, () => 1),
        () => view.getMulti(['good', text]),
        () => view.getMulti(['good'], { keyPrefix: text }),
        () => view.setMulti({ good: 1, [text]: 2 }),
        () => view.setMulti({ good: 1 }, { keyPrefix: text }),
        () => view.deleteMulti([text]),
        () => view.incrMulti([text]),
      ];
      for (const call of calls)
        expect(await failure(call())).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/surrogate/) });
    }
    for (const call of [
      () => mc.hash(text),
      () => mc.serverFor(text),
      () => mc.explain(text),
      () => mc.namespace(text),
    ])
      expect(thrown(call)).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/surrogate/) });
  });

  it('no value', async () => {
    for (const codec of Object.keys(codecs) as CodecName[]) {
      const mc = connect(untouched(), { codec });
      const calls = [() => mc.set('key', text), () => mc.setMulti({ good: 'good', key: text })];
      if (codec === 'dalli')
        calls.push(
          () => mc.set('key', { deep: [text] }),
          () => mc.set('key', { [text]: 1 }),
        );
      for (const call of calls)
        expect(await failure(call())).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/surrogate/) });
    }
    const mc = connect(untouched(), { codec: { serialize: (value) => [String(value), 0], deserialize: String } });
    expect(await failure(mc.set('key', text))).toMatchObject({ name: 'TypeError' });
    expect(await failure(mc.append('key', text))).toMatchObject({ name: 'TypeError' });
    expect(await failure(mc.prepend('key', text))).toMatchObject({ name: 'TypeError' });
    expect(thrown(() => mc.serialize(text))).toMatchObject({ name: 'TypeError' });
  });

  it('no option', () => {
    const make =
      (options: object, server = '127.0.0.1') =>
      () =>
        new Client(server, options);
    const calls = [
      make({ behaviors: { namespace: text }, binary: true }),
      make({ username: text, password: 'x' }),
      make({ username: 'x', password: text }),
      make({}, `/${text}`),
      make({}, text),
    ];
    for (const call of calls) expect(thrown(call)).toMatchObject({ name: 'TypeError' });
  });
});

inEveryProtocol(({ connect: make }) => {
  it('whole ones are as good as any other character', async () => {
    const mc = make();
    const key = `${uniqueKey()}😀`;
    await mc.set(key, '😀'.repeat(5000));
    expect(await mc.get(key)).toBe('😀'.repeat(5000));
  });

  it('inside of objects JSON says them', async () => {
    const mc = make();
    for (const codec of ['pylibmc', 'structured', 'php', 'memcached'] as const) {
      const other = make({ codec });
      const key = uniqueKey();
      const value = { deep: [lone], [lone[0] as string]: 1 };
      await other.set(key, value);
      expect(await other.get(key)).toEqual(value);
    }
    await mc.close();
  });

  it('Keyv’s keys do not meet', async () => {
    const store = new KeyvMemcached(make());
    for (const length of [1, 300]) {
      const keys = ['\ud800', '\ud801', '\ufffd'].map((end) => 'k'.repeat(length) + end);
      for (const [index, key] of keys.entries()) await store.set(key, index);
      expect(await store.getMany(keys)).toEqual([0, 1, 2]);
      expect(await store.hasMany(keys)).toEqual([true, true, true]);
      await store.delete(keys[0] as string);
      expect(await store.hasMany(keys)).toEqual([false, true, true]);
    }
  });
});
