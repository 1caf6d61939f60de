// Operations of one client on the same key take effect in the order of the calls, even when none was awaited.

import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { inEveryProtocol } from '../support/clients';

/** Numbers that look random and are the same in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return ((state >>> 8) % 65_536) % below;
  };
}

type Call = (mc: Client) => Promise<unknown>;

/** One key as it must be: says what each operation will resolve to, and takes its effect. */
class Model {
  value: string | undefined;
  #writes = 0;

  constructor(readonly key: string) {}

  /** An operation that makes sense now, and what it must resolve to. */
  next(random: (below: number) => number): [Call, expected: unknown] {
    const { key, value } = this;
    const isNumber = value !== undefined && /^\d+$/.test(value);
    const fresh = random(3) === 0 ? String(1000 + random(1_000_000)) : `v${++this.#writes}`;
    switch (random(16)) {
      case 0:
      case 1:
      case 2:
        return [(mc) => mc.get(key), value];
      case 3:
        return [(mc) => mc.has(key), value !== undefined];
      case 4:
        return [(mc) => mc.getMulti([key, `${key}-none`]), new Map(value === undefined ? [] : [[key, value]])];
      case 5:
        return [(mc) => mc.gets(key).then(([read]) => read), value];
      case 6:
      case 7:
      case 8:
        this.value = fresh;
        return [(mc) => mc.set(key, fresh), true];
      case 9:
        this.value ??= fresh;
        return [(mc) => mc.add(key, fresh), value === undefined];
      case 10:
        if (value !== undefined) this.value = fresh;
        return [(mc) => mc.replace(key, fresh), value !== undefined];
      case 11:
        this.value = undefined;
        return [(mc) => mc.delete(key), value !== undefined];
      case 12:
        return [(mc) => mc.touch(key, 1000), value !== undefined];
      case 13:
        this.value = fresh;
        return [(mc) => mc.setMulti([[key, fresh]]), []];
      default:
        if (isNumber) return this.#count(Number(value), 1 + random(5));
        return this.#join(random(2) === 0);
    }
  }

  #count(value: number, delta: number): [Call, unknown] {
    this.value = String(value + delta);
    return [(mc) => mc.incr(this.key, delta), value + delta];
  }

  #join(inFront: boolean): [Call, unknown] {
    const { key, value } = this;
    if (value !== undefined) this.value = inFront ? `p${value}` : `${value}a`;
    return [(mc) => (inFront ? mc.prepend(key, 'p') : mc.append(key, 'a')), value !== undefined];
  }
}

inEveryProtocol(({ connect }) => {
  it.each([1, 2, 3])('thousands of mixed operations, none awaited (seed %d)', async (seed) => {
    const mc = connect({ timeout: 20_000 });
    const random = randomNumbers(seed);
    const models = Array.from({ length: 4 }, () => new Model(uniqueKey()));
    const expected: unknown[] = [];
    const results: Promise<unknown>[] = [];
    for (let count = 0; count < 3000; ++count) {
      // Mostly one key, with others between.
      const model = models[random(3) === 0 ? random(models.length) : 0] as Model;
      const [call, outcome] = model.next(random);
      expected.push(outcome);
      results.push(call(mc));
    }
    expect(await Promise.all(results)).toEqual(expected);
    for (const model of models) expect(await mc.get(model.key)).toBe(model.value);
  });

  it('hundreds of ticks, the operations of each overtake nothing', async () => {
    const mc = connect({ timeout: 20_000 });
    const random = randomNumbers(42);
    const model = new Model(uniqueKey());
    const expected: unknown[] = [];
    const results: Promise<unknown>[] = [];
    for (let tick = 0; tick < 300; ++tick) {
      for (let count = random(8); count > 0; --count) {
        const [call, outcome] = model.next(random);
        expected.push(outcome);
        results.push(call(mc));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(results)).toEqual(expected);
  });

  it('large and small values', async () => {
    const mc = connect({ timeout: 20_000 });
    const key = uniqueKey();
    const values = Array.from({ length: 60 }, (_, index) => `${index}`.repeat(index % 3 === 0 ? 60_000 : 1));
    const reads = values.map((value) => {
      void mc.set(key, value);
      return mc.get(key);
    });
    const read = await Promise.all(reads);
    expect(read.every((value, index) => value === values[index])).toBe(true);
  });

  it('an aborted or failed operation does not hold up or reorder the others', async () => {
    const mc = connect({ timeout: 20_000 });
    const key = uniqueKey();
    const rejected = [mc.get(''), mc.set(key, () => 1), mc.incr(key, -1)].map((promise) =>
      promise.catch(() => 'rejected'),
    );
    const writes = [mc.set(key, 'text'), mc.append(key, '1'), mc.get(key), mc.set(key, 5), mc.incr(key), mc.get(key)];
    expect(await Promise.all(rejected)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await Promise.all(writes)).toEqual([true, true, 'text1', true, 6, 6]);
  });
});
