// Behaviors that change what is sent: seen by a proxy between the client and a real server.

import type { Behaviors, Client } from '../../lib/index';
import { startFaultProxy, type FaultProxy } from '../helpers/fault-proxy';
import { uniqueKey } from '../helpers/keys';
import { startMemcached, stopAll, type MemcachedServer } from '../helpers/servers';
import { socketOptions } from '../helpers/socket-options';
import { failure, stored, useClients } from '../integration/support';
import { binaryRequests, Opcode, textRequests } from './wire';

const connect = useClients();
let server: MemcachedServer;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await startMemcached();
});
beforeEach(async () => {
  proxy = await startFaultProxy(server);
});
afterEach(() => proxy.stop());
afterAll(stopAll);

/** A client that is connected, and whose greetings are forgotten. */
async function through(binary: boolean, behaviors: Partial<Behaviors> = {}): Promise<Client> {
  const mc = connect(proxy, { binary, timeout: 10_000, behaviors });
  await greet(mc);
  return mc;
}

/** Once more after a change of behaviors, which may have closed the connection. */
async function greet(mc: Client): Promise<void> {
  await mc.get(uniqueKey());
  proxy.forget();
}

/** Commands as text has them, whichever protocol they were sent in; `q` behind it: without an answer. */
function commands(binary: boolean): string[] {
  if (!binary) return textRequests(proxy.requests).map(({ command, noReply }) => command + (noReply ? 'q' : ''));
  const names: Record<number, string> = {
    [Opcode.Set]: 'set',
    [Opcode.SetQ]: 'setq',
    [Opcode.Add]: 'add',
    [Opcode.AddQ]: 'addq',
    [Opcode.Replace]: 'replace',
    [Opcode.ReplaceQ]: 'replaceq',
    [Opcode.Append]: 'append',
    [Opcode.AppendQ]: 'appendq',
    [Opcode.Prepend]: 'prepend',
    [Opcode.PrependQ]: 'prependq',
    [Opcode.Delete]: 'delete',
    [Opcode.Increment]: 'incr',
    [Opcode.Touch]: 'touch',
  };
  return binaryRequests(proxy.requests).map(({ opcode }) => names[opcode] ?? `0x${opcode.toString(16)}`);
}

describe.each([true, false])('binary: %s', (binary) => {
  describe('_noreply', () => {
    const stores = async (mc: Client, key: string): Promise<void> => {
      await mc.set(key, 'value');
      await mc.add(key, 'value');
      await mc.replace(key, 'value');
      await mc.append(key, '+');
      await mc.prepend(key, '-');
    };

    it('has stores ask for no answer', async () => {
      const mc = await through(binary, { _noreply: true });
      const key = uniqueKey();
      await stores(mc, key);
      await mc.get(key); // on the same connection: what is before it has arrived
      expect(commands(binary).slice(0, 5)).toEqual(['setq', 'addq', 'replaceq', 'appendq', 'prependq']);
      expect(await stored(server, key)).toMatchObject({ bytes: '-value+' });
    });

    it('what needs an answer still asks for one', async () => {
      const mc = await through(binary, { _noreply: true });
      const key = uniqueKey();
      await mc.set(key, 1);
      await greet(mc); // the set has passed by
      expect([await mc.touch(key, 0), await mc.incr(key), await mc.delete(key), await mc.delete(key)]).toEqual([
        true,
        2,
        true,
        false,
      ]);
      expect(commands(binary).slice(0, 4)).toEqual(['touch', 'incr', 'delete', 'delete']);
    });

    it('set and taken back at run time', async () => {
      const mc = await through(binary);
      const key = uniqueKey();
      for (const [quiet, names] of [
        [false, ['set', 'add', 'replace', 'append', 'prepend']],
        [true, ['setq', 'addq', 'replaceq', 'appendq', 'prependq']],
        [false, ['set', 'add', 'replace', 'append', 'prepend']],
      ] as const) {
        mc.behaviors._noreply = quiet;
        await greet(mc);
        await stores(mc, key);
        await mc.get(key);
        expect(commands(binary).slice(0, 5)).toEqual(names);
      }
    });

    it('what the server refuses all the same is nobody else’s answer', async () => {
      const mc = await through(binary, { _noreply: true });
      const [there, missing] = [uniqueKey(), uniqueKey()];
      await mc.set(there, 'first');
      const refused = [
        () => mc.add(there, 'second'),
        () => mc.replace(missing, 'value'),
        () => mc.append(missing, 'value'),
        () => mc.set(missing, Buffer.alloc(2 ** 20 + 1)),
      ];
      for (const call of refused) {
        const after = [mc.get(there), mc.get(missing), mc.delete(missing), mc.touch(there, 0), mc.getMulti([there])];
        expect(await Promise.all([call(), ...after])).toEqual([
          true,
          'first',
          undefined,
          false,
          true,
          new Map([[there, 'first']]),
        ]);
        expect(await call()).toBe(true);
        expect(await mc.get(missing)).toBeUndefined();
        expect(await mc.get(there)).toBe('first');
      }
    });
  });

  it('namespace: other clients see it before every key, and so does the wire', async () => {
    const mc = await through(binary, { namespace: 'space:' });
    const key = uniqueKey();
    await mc.set(key, 1);
    await mc.incr(key);
    await mc.getMulti([key]);
    await mc.delete(key);
    const found = binary ? binaryRequests(proxy.requests) : textRequests(proxy.requests);
    const keys = found.map((request) => request.key).filter((each) => each !== '');
    expect(keys.every((each) => each.startsWith('space:'))).toBe(true);
    expect(keys.filter((each) => each === `space:${key}`)).toHaveLength(4);
    mc.behaviors.namespace = 'other:';
    await greet(mc);
    await mc.set(key, 2);
    expect(await stored(server, `other:${key}`)).toMatchObject({ bytes: '2' });
    expect(await stored(server, key)).toBeUndefined();
  });

  it('keys are pipelined with and without buffer_requests', async () => {
    const count = 100;
    for (const behaviors of [{}, { buffer_requests: true }]) {
      const own = await startMemcached(); // straight to it: what leaves is counted by the kernel
      const mc = connect(own, { binary, behaviors });
      await mc.get('key');
      const before = (await socketOptions(own))[0]?.segmentsOut ?? NaN;
      const writes = Array.from({ length: count }, (_, index) => mc.set(`key-${index}`, index));
      expect(await Promise.all(writes)).toEqual(Array.from({ length: count }, () => true));
      const after = (await socketOptions(own))[0]?.segmentsOut ?? NaN;
      // Text has to read each answer before it sends the next.
      expect(after - before).toBeLessThan(binary ? count / 10 : count + 1);
      mc.destroy();
      await own.stop();
    }
  });

  it('_io_key_prefetch: so many keys of a multi-get leave before the others, in binary', async () => {
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    const own = await startMemcached();
    const mc = connect(own, { binary });
    const segmentsFor = async (_io_key_prefetch: number): Promise<number> => {
      mc.setBehaviors({ _io_key_prefetch });
      await mc.setMulti(keys.map((key) => [key, key] as const));
      const before = (await socketOptions(own))[0]?.segmentsOut ?? NaN;
      expect((await mc.getMulti(keys)).size).toBe(keys.length);
      return ((await socketOptions(own))[0]?.segmentsOut ?? NaN) - before;
    };
    const usual = await segmentsFor(0);
    expect(await segmentsFor(10)).toBe(binary ? usual + 1 : usual);
    expect(await segmentsFor(0)).toBe(usual);
    await own.stop();
  });

  it('buffer_requests holds nothing back: what is resolved is stored', async () => {
    const mc = await through(binary);
    for (const buffered of [true, false]) {
      mc.behaviors.buffer_requests = buffered;
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(await stored(server, key)).toMatchObject({ bytes: 'value' });
      await mc.delete(key);
      expect(await stored(server, key)).toBeUndefined();
    }
  });
});

// Their purpose is to read answers away while libmemcached writes; ours are counted.
it.each<Partial<Behaviors>>([{ _io_msg_watermark: 1 }, { _io_bytes_watermark: 1 }])(
  '%j loses no answer, in binary',
  async (behaviors) => {
    const mc = await through(true, behaviors);
    const keys = Array.from({ length: 300 }, () => uniqueKey());
    const [big = '', ...others] = keys;
    const entries = new Map<string, unknown>(keys.map((key) => [key, key]));
    entries.set(big, Buffer.alloc(2 ** 20 + 1));
    expect(await mc.setMulti(entries)).toEqual([big]);
    const deleted = await Promise.all(keys.map((key) => mc.delete(key)));
    expect(deleted).toEqual([false, ...others.map(() => true)]);
  },
);

describe('cas', () => {
  const reads = (): Set<string> => new Set(textRequests(proxy.requests).map(({ command }) => command));

  it('has every read ask for the token, in text', async () => {
    const mc = await through(false);
    const key = uniqueKey();
    for (const cas of [false, true, false]) {
      mc.behaviors.cas = cas;
      await greet(mc);
      await mc.get(key);
      await mc.getMulti([key, uniqueKey()]);
      expect(reads()).toEqual(new Set([cas ? 'gets' : 'get']));
    }
  });

  it('is not needed for gets', async () => {
    const mc = await through(false);
    const key = uniqueKey();
    await mc.set(key, 1);
    const [, token = 0n] = await mc.gets(key);
    expect(await mc.cas(key, 2, token)).toBe(true);
    expect(await mc.cas(key, 3, token)).toBe(false);
  });
});

describe('verify_keys', () => {
  it.each([false, 'auto'] as const)('refuses keys that are not visible ASCII in text (binary: %s)', async (binary) => {
    const ascii = await startMemcached({ protocol: 'ascii' });
    const own = await startFaultProxy(ascii);
    const mc = connect(own, { binary });
    const key = uniqueKey('schlüssel');
    expect(await mc.set(key, 1)).toBe(true);
    for (const verify of [true, false]) {
      mc.behaviors.verify_keys = verify;
      await mc.get(uniqueKey());
      own.forget();
      const calls = [() => mc.get(key), () => mc.set(key, 1), () => mc.getMulti([uniqueKey(), key])];
      for (const call of calls) {
        if (verify) expect(await failure(call())).toMatchObject({ name: 'BadKeyProvided', key });
        else await call();
      }
      expect(own.requests.includes('schl')).toBe(!verify);
    }
    await own.stop();
    await ascii.stop();
  });

  it('does not concern the binary protocol', async () => {
    const mc = await through(true, { verify_keys: true });
    const key = uniqueKey('schlüssel mit leerzeichen');
    await mc.set(key, 1);
    expect(await mc.get(key)).toBe(1);
  });
});
