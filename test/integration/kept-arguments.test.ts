// What a call was given counts as it was then: callers may change their keys, lists, values and behaviors afterwards.

import { runInNewContext } from 'node:vm';

import type { Codec } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { failure, inEveryProtocol, stored } from '../support/clients';

inEveryProtocol(({ connect, server }) => {
  it('a list of keys that is changed', async () => {
    const mc = connect();
    const [one, two, other] = [uniqueKey(), uniqueKey(), uniqueKey()];
    await mc.setMulti([
      [one, 1],
      [two, 2],
      [other, 3],
    ]);
    const expected = new Map([
      [one, 1],
      [two, 2],
    ]);
    const changes: ((keys: string[]) => unknown)[] = [
      (keys) => keys.splice(0),
      (keys) => (keys[0] = other),
      (keys) => keys.push(other),
    ];
    for (const change of changes) {
      const keys = [one, two];
      const reading = mc.getMulti(keys);
      change(keys);
      expect(await reading).toEqual(expected);
    }
    const counted = [one, two];
    const counting = mc.incrMulti(counted);
    counted.reverse();
    expect([...(await counting)]).toEqual([
      [one, 2],
      [two, 3],
    ]);
  });

  it('keys that are bytes and are changed', async () => {
    const mc = connect();
    const [key, other] = [uniqueKey(), uniqueKey()];
    await mc.set(key, 'right');
    const bytes = Buffer.from(key);
    const reading = [mc.get(bytes), mc.getMulti([bytes])] as const;
    bytes.write(other);
    expect(await reading[0]).toBe('right');
    expect([...(await reading[1]).values()]).toEqual(['right']);
    const counting = failure(mc.incr(bytes));
    bytes.fill('x');
    const error = await counting;
    expect(error.name).toBe('NotFound');
    expect(String(error.key)).toBe(other);
  });

  it('a codec may use the same memory for every value', async () => {
    const scratch = Buffer.alloc(1);
    const codec: Codec = {
      serialize(value) {
        scratch.write(String(value));
        return [scratch, 0];
      },
      deserialize: (data) => data.toString(),
    };
    const mc = connect({ codec });
    const entries = new Map(['1', '2', '3'].map((value) => [uniqueKey(), value]));
    expect(await mc.setMulti(entries)).toEqual([]);
    expect(await mc.getMulti(entries.keys())).toEqual(entries);
  });

  describe('memory of other kinds', () => {
    it.each([0, 100, 20_000, 600_000])('%i bytes that are shared between threads', async (size) => {
      const mc = connect();
      const key = uniqueKey();
      const value = Buffer.from(new SharedArrayBuffer(size)).fill('s');
      expect(await mc.set(key, value)).toBe(true);
      expect(await mc.setMulti([[key, value]])).toEqual([]);
      expect((await mc.get<Buffer>(key))?.equals(value)).toBe(true);
      if (size > 100_000) return;
      expect(await mc.append(key, value)).toBe(true);
      expect((await stored(server(), key))?.bytes).toHaveLength(2 * size);
    });

    it('bytes whose memory is gone are refused, and nothing stays pending', async () => {
      const mc = connect();
      const [key, other] = [uniqueKey(), uniqueKey()];
      const gone = new Uint8Array(10);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      expect(await failure(mc.set(key, gone))).toMatchObject({ name: 'TypeError' });
      expect(await failure(mc.append(key, gone))).toMatchObject({ name: 'TypeError' });
      const storing = mc.setMulti([
        [other, 1],
        [key, gone],
      ]);
      expect(await failure(storing)).toMatchObject({ name: 'TypeError' });
      expect(mc.metrics().pending).toBe(0);
      expect(await mc.has(other)).toBe(false);
      expect(await mc.set(key, 'still works')).toBe(true);
      await mc.close();
    });

    it('a Date and an ArrayBuffer of another realm', async () => {
      const mc = connect();
      const key = uniqueKey();
      const past = runInNewContext('new Date(0)') as Date;
      expect(await mc.set(key, 'value', past)).toBe(true);
      expect(await mc.set(key, 'value', { time: past })).toBe(true);
      expect(await mc.has(key)).toBe(false);
      const bytes = runInNewContext('new Uint8Array([104, 105]).buffer') as ArrayBuffer;
      expect(await mc.set(key, bytes)).toBe(true);
      expect(await mc.get(key)).toEqual(Buffer.from('hi'));
    });
  });

  it('a deadline counts from the call, however long the tick has lasted before it', async () => {
    const mc = connect();
    await mc.version();
    const first = mc.get(uniqueKey());
    const end = performance.now() + 300;
    while (performance.now() < end);
    expect(await mc.get(uniqueKey(), 'missing', { timeout: 250 })).toBe('missing');
    expect(await first).toBeUndefined();
  });
});

inEveryProtocol(({ connect }) => {
  it('with _noreply, reads do not overtake writes', async () => {
    const mc = connect({ behaviors: { _noreply: true } });
    const [one, two] = [uniqueKey(), uniqueKey()];
    const value = (round: number): Buffer => Buffer.alloc(300_000, String.fromCharCode(97 + (round % 26)));
    for (let round = 0; round < 60; ++round) {
      await Promise.all([mc.set(one, value(round)), mc.set(two, value(round))]);
      const found = await mc.getMulti<Buffer>([one, two]);
      expect([...found.values()].every((bytes) => bytes.equals(value(round)))).toBe(true);
    }
  });
});
