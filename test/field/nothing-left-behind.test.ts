// Arguments are checked before anything is entered, and whatever throws leaves nothing behind (rows V1 and V19): no slot, no
// call that `close` waits for, no caller of somebody else who gets its error.

import { Client, ClientPool } from '../../lib/index';
import { failure, inEveryProtocol } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const thrower = (name: string): object => ({
  get [name](): unknown {
    throw new Error('from a getter');
  },
});
/** Answers what it is asked first, and something else afterwards. */
const changing = (name: string, first: unknown, later: unknown): object => {
  let count = 0;
  return {
    get [name](): unknown {
      return count++ === 0 ? first : later;
    },
  };
};

const oddSignals: [string, () => AbortSignal][] = [
  [
    'whose addEventListener throws',
    () =>
      Object.assign(new AbortController().signal, {
        addEventListener: () => {
          throw new Error('odd');
        },
      }),
  ],
  ['made of its prototype', () => Object.create(AbortSignal.prototype) as AbortSignal],
  ['that is an object with a member', () => ({ aborted: false }) as AbortSignal],
  ['that is a Proxy', () => new Proxy(new AbortController().signal, {})],
  ['that is a function', () => (() => 1) as never],
];

inEveryProtocol(({ connect }) => {
  /** Works as before, has nothing in flight, and can be closed. */
  async function expectUntouched(mc: Client): Promise<void> {
    const key = uniqueKey();
    expect(await mc.set(key, 1)).toBe(true);
    expect(await mc.get(key)).toBe(1);
    expect(mc.metrics().pending).toBe(0);
    await mc.close();
  }

  it.each<[string, (mc: Client, name: string) => Promise<unknown>]>([
    ['a keyPrefix that is a number', (mc, name) => mc.namespace(name).getMulti(['a'], { keyPrefix: 5 as never })],
    ['a keyPrefix that throws', (mc, name) => mc.namespace(name).getMulti(['a'], thrower('keyPrefix'))],
    ['a timeout that throws', (mc, name) => mc.namespace(name).get('a', undefined, thrower('timeout'))],
    ['a signal that throws', (mc, name) => mc.namespace(name).deleteMulti(['a'], thrower('signal'))],
    ['a value that throws', (mc, name) => mc.namespace(name).set('a', thrower('member'))],
    [
      'keys that throw',
      (mc, name) =>
        mc.namespace(name).getMulti(
          new Proxy(['a'], {
            get: () => {
              throw new Error('keys');
            },
          }),
        ),
    ],
    ['a delta of no kind', (mc, name) => mc.namespace(name).incr('a', {} as never, { initial: 1 })],
    ['an initial that throws', (mc, name) => mc.namespace(name).incr('a', 1, thrower('initial'))],
    ['invalidate', (mc, name) => mc.namespace(name).invalidate(thrower('timeout'))],
    ['getOrSet', (mc, name) => mc.namespace(name).getOrSet('a', () => 1, thrower('staleFor'))],
  ])('in a namespace: %s', async (_name, call) => {
    const [mc, name] = [connect(), uniqueKey('ns')];
    const others = mc.namespace(name);
    // On a fresh one, and while another process invalidates it: calls are sent to every generation that is learnt.
    expect(await failure(call(mc, name))).toBeInstanceOf(Error);
    const pending = [others.set('b', 1), failure(call(mc, name)), others.get('b'), mc.namespace(name).getMulti(['b'])];
    await connect().namespace(name).invalidate();
    const [stored, error] = await Promise.all(pending);
    expect(stored).toBe(true);
    expect(error).toBeInstanceOf(Error);
    await others.set('b', 2);
    expect(await others.get('b')).toBe(2);
    await expectUntouched(mc);
  });

  it('in a namespace: the keys are those of the call, also when they are sent again', async () => {
    const [mc, name] = [connect(), uniqueKey('ns')];
    const ns = mc.namespace(name);
    await ns.set('b', 1);
    await connect().namespace(name).invalidate();
    const [detached, changed, prefix] = ['a', 'bb', 'x'].map((text) => new Uint8Array(Buffer.from(text))) as [
      Uint8Array<ArrayBuffer>,
      Uint8Array,
      Uint8Array,
    ];
    // All are sent again to the new generation, when the caller's bytes are others already.
    const pending = Promise.all([
      ns.set('b', 2),
      ns.getMulti([detached]),
      ns.setMulti([[changed, 'kept']]),
      ns.setMulti([['c', 'kept']], { keyPrefix: prefix }),
      ns.set('c', 3),
    ]);
    structuredClone(detached, { transfer: [detached.buffer] });
    changed.fill(0);
    prefix.fill(0);
    expect(await pending).toEqual([true, new Map(), [], [], true]);
    expect([...(await ns.getMulti(['b', 'bb', 'xc', 'c'])).values()]).toEqual([2, 'kept', 'kept', 3]);
    await expectUntouched(mc);
  });

  it.each(oddSignals)('a signal %s', async (name, make) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 1);
    const pool = new ClientPool(mc, 1);
    const lent = pool.reserve(() => mc.get(key));
    const signal = make();
    const calls = [
      () => mc.get(key, undefined, { signal }),
      () => mc.set(key, 2, { signal }),
      () => mc.getMulti([key, 'other'], { signal }),
      () => mc.incr(key, 1, { initial: 1, signal }),
      () => mc.namespace('n').get(key, undefined, { signal }),
      () => mc.getOrSet(uniqueKey(), () => 1, { signal }),
      () => mc.version({ signal }),
      () => pool.reserve(() => 1, { block: true, signal }),
    ];
    for (const call of calls) {
      const outcome = await call().then(
        () => 'fine',
        (error: unknown) => error,
      );
      // It is refused, or does what a signal does, which is nothing.
      if (outcome !== 'fine') expect(outcome).toHaveProperty('message');
    }
    // No answer has come in between: what was refused is not in flight.
    const { pending } = mc.metrics();
    if (name.includes('throws')) {
      const refused = [failure(mc.get(key, undefined, { signal })), failure(mc.getMulti([key, 'other'], { signal }))];
      expect(mc.metrics().pending).toBe(pending);
      for (const error of await Promise.all(refused)) expect(error.message).toBe('odd');
    }
    expect(await lent).toBe(1);
    expect(await pool.reserve(() => 'again')).toBe('again');
    await pool.close();
    await expectUntouched(mc);
  });

  it('a reason that throws ends the operation all the same', async () => {
    const mc = connect();
    const controller = new AbortController();
    Object.defineProperty(controller.signal, 'reason', {
      get: () => {
        throw new Error('no reason');
      },
    });
    const pending = failure(mc.getMulti(['a', 'b'], { signal: controller.signal }));
    controller.abort();
    expect((await pending).message).toBe('no reason');
    await expectUntouched(mc);
  });

  it('options are read once', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value', changing('time', 100, 'nonsense'));
    expect(await mc.get(key, undefined, changing('timeout', 1000, -1))).toBe('value');
    expect(await mc.get(key, undefined, changing('signal', undefined, {}))).toBe('value');
    expect(await mc.getMulti([key], changing('keyPrefix', '', 'other'))).toEqual(new Map([[key, 'value']]));
    expect(await mc.setMulti({ [key]: 2 }, changing('minCompressLen', 0, -1))).toEqual([]);
    expect(await mc.incr(key, 1, changing('bigint', true, 5))).toBe(3n);
    expect(await mc.getOrSet(key, () => 0, changing('leaseFor', 5, 'x'))).toBe(3);
    await expectUntouched(mc);
  });

  it('a codec that throws, in the middle of many', async () => {
    const mc = connect({
      codec: {
        serialize: (value) => {
          if (value === 'bad') throw new Error('no');
          return [String(value), 0];
        },
        deserialize: String,
      },
    });
    expect(
      (
        await failure(
          mc.setMulti([
            ['a', 'good'],
            ['b', 'bad'],
            ['c', 'good'],
          ]),
        )
      ).message,
    ).toBe('no');
    await mc.close();
  });

  it('a pool whose clients cannot be cloned for once keeps its size', async () => {
    let isBroken = false;
    class Own extends Client {
      override clone(): this {
        if (isBroken) throw new Error('not now');
        return super.clone();
      }
    }
    const mc = new Own(connect().servers);
    const pool = new ClientPool(mc, 1);
    isBroken = true;
    await pool.reserve((client) => client.close());
    expect(pool.available).toBe(1);
    expect(await failure(pool.reserve((client) => client.get('key')))).toMatchObject({ name: 'ClientClosed' });
    isBroken = false;
    await failure(pool.reserve((client) => client.get('key')));
    expect(await pool.reserve((client) => client.set('key', 1))).toBe(true);
    await Promise.all([pool.close(), mc.close()]);
  });

  it('a pool replaces a client that was closed or destroyed while it was lent', async () => {
    const mc = connect();
    const pool = new ClientPool(mc, 1);
    const seen = new Set<Client>();
    for (const end of ['close', 'destroy', 'neither'] as const) {
      const key = uniqueKey();
      await pool.reserve(async (client) => {
        seen.add(client);
        expect(await client.set(key, 1)).toBe(true);
        if (end !== 'neither') await client[end]();
      });
    }
    expect(await pool.reserve((client) => client.set('key', 1))).toBe(true);
    expect(seen.size).toBe(3);
    await pool.close();
  });
});
