// Behaviors that change what is sent: seen by a proxy between the client and a real server.

import type { Behaviors, Client } from '../../lib/index';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { socketOptions } from '../support/socket-options';
import { failure, sleep, stored, useClients } from '../support/clients';
import { binaryRequests, Opcode, textRequests } from '../support/sent-requests';

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

/** Commands as text has them, whichever protocol they were sent in; `q` behind it: it asks for no answer. */
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

    it('stores are sent as ever: an answer that nobody waits for can still be told from the next one', async () => {
      const mc = await through(binary, { _noreply: true });
      const key = uniqueKey();
      await stores(mc, key);
      await mc.get(key); // on the same connection: what is before it has arrived
      expect(commands(binary).slice(0, 5)).toEqual(['set', 'add', 'replace', 'append', 'prepend']);
      expect(await stored(server, key)).toMatchObject({ bytes: '-value+' });
    });

    it('stores resolve once they are sent, though nothing is answered', async () => {
      const mc = await through(binary, { _noreply: true });
      const key = uniqueKey();
      proxy.set('answers', { hold: true });
      expect(await mc.set(key, 'value', { timeout: 5000 })).toBe(true);
      expect(await mc.add(key, 'other', { timeout: 5000 })).toBe(true); // it is there, but nobody waits to hear that
      const reading = mc.get(key);
      proxy.heal();
      expect(await reading).toBe('value');
    });

    it('what needs an answer still waits for it', async () => {
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
      await mc.set(key, 'value');
      for (const quiet of [false, true, false]) {
        mc.behaviors._noreply = quiet;
        // A refusal shows whether it was waited for.
        expect(await mc.add(key, 'other')).toBe(quiet);
        expect(await mc.get(key)).toBe('value');
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

  it('requests of one tick are pipelined, with and without buffer_requests', async () => {
    const count = 100;
    for (const behaviors of [{}, { buffer_requests: true }]) {
      const own = await startMemcached(); // straight to it: what leaves is counted by the kernel
      const mc = connect(own, { binary, behaviors });
      await mc.set('key', 0);
      const calls: ((index: number) => Promise<unknown>)[] = [
        (index) => mc.set(`key-${index}`, index),
        () => mc.incr('key'),
        (index) => mc.add(`key-${index}`, index),
        (index) => mc.touch(`key-${index}`, 100),
        (index) => mc.delete(`key-${index}`),
      ];
      for (const call of calls) {
        const before = (await socketOptions(own))[0]?.segmentsOut ?? NaN;
        await Promise.all(Array.from({ length: count }, (_, index) => call(index)));
        const after = (await socketOptions(own))[0]?.segmentsOut ?? NaN;
        // They leave in portions of about ten.
        expect(after - before).toBeLessThan(count / 5);
      }
      mc.destroy();
      await own.stop();
    }
  });

  it('_io_key_prefetch changes nothing: a multi-get leaves as a whole', async () => {
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    const mc = await through(binary);
    await mc.setMulti(keys.map((key) => [key, key] as const));
    // (Binary frames carry a number of their own.)
    const requestsFor = async (_io_key_prefetch: number): Promise<unknown> => {
      mc.setBehaviors({ _io_key_prefetch });
      await greet(mc);
      expect((await mc.getMulti(keys)).size).toBe(keys.length);
      return binary ? binaryRequests(proxy.requests) : proxy.requests;
    };
    const usual = await requestsFor(0);
    expect(await requestsFor(10)).toEqual(usual);
    expect(await requestsFor(0)).toEqual(usual);
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
  it('refuses keys that are not visible ASCII in text', async () => {
    const ascii = await startMemcached({ protocol: 'ascii' });
    const own = await startFaultProxy(ascii);
    const mc = connect(own);
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

describe('in text', () => {
  it('the gets of one tick go as one line, each key once', async () => {
    const mc = await through(false);
    const [a, b, c] = [uniqueKey(), uniqueKey(), uniqueKey()];
    await Promise.all([mc.get(a), mc.getMulti([b, a]), mc.getMulti([c, a])]);
    expect(proxy.requests.toString()).toMatch(/^get [^\r\n]*\r\n$/);
    expect(proxy.requests.toString().trim().split(' ')).toEqual(['get', a, b, c]);
  });

  it('all requests of a tick go in the order of the calls, on one connection', async () => {
    const mc = await through(false);
    const [a, b] = [uniqueKey(), uniqueKey()];
    const results = [mc.set(a, 1), mc.touch(b, 1), mc.incr(a), mc.add(b, 2), mc.get(a), mc.delete(a), mc.delete(b)];
    expect(await Promise.all(results)).toEqual([true, false, 2, true, 2, true, true]);
    expect(textRequests(proxy.requests).map(({ command, key }) => `${command} ${key}`)).toEqual([
      `set ${a}`,
      `touch ${b}`,
      `incr ${a}`,
      `add ${b}`,
      `get ${a}`,
      `delete ${a}`,
      `delete ${b}`,
    ]);
    expect(proxy.accepted).toBe(0); // none but the one that was greeted
  });

  it('they do not wait for each other’s answers', async () => {
    const mc = await through(false);
    const key = uniqueKey();
    proxy.set('answers', { hold: true });
    const first = mc.set(key, 1);
    await new Promise((resolve) => setImmediate(resolve));
    const second = mc.incr(key);
    for (let tries = 0; tries < 200 && !proxy.requests.includes('incr'); ++tries) await sleep(10);
    expect(textRequests(proxy.requests).map(({ command }) => command)).toEqual(['set', 'incr']);
    proxy.heal();
    expect(await Promise.all([first, second])).toEqual([true, 2]);
  });
});
