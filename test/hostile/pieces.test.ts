// An honest server behind a line that delivers byte by byte, slowly, or only in part.

import type { Client } from '../../lib/index';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { MARGIN, protocols, timed, useClients, useProxiedServer } from '../support/failover-clusters';

const { proxy, server } = useProxiedServer();
const connect = useClients();

/** Each operation once, with what it must come out with. */
async function everything(mc: Client): Promise<void> {
  const [key, counter, list] = [uniqueKey(), uniqueKey(), [uniqueKey(), uniqueKey(), uniqueKey()]];
  const large = Buffer.alloc(600, 'large');
  expect(await mc.set(key, 'value\r\nEND\r\n')).toBe(true);
  expect(await mc.get(key)).toBe('value\r\nEND\r\n');
  const [, token] = await mc.gets(key);
  expect(await mc.cas(key, large, token ?? 0n)).toBe(true);
  expect(await mc.get(key)).toEqual(large);
  expect(await mc.add(key, 1)).toBe(false);
  expect(await mc.replace(key, 'x')).toBe(true);
  expect(await mc.append(key, 'y')).toBe(true);
  expect(await mc.prepend(key, 'w')).toBe(true);
  expect(await mc.touch(key, 100)).toBe(true);
  expect(await mc.delete(list[0] ?? '')).toBe(false);
  expect(await mc.setMulti(Object.fromEntries(list.map((each) => [each, each])))).toEqual([]);
  expect(await mc.getMulti([...list, 'missing'])).toEqual(new Map(list.map((each) => [each, each])));
  await mc.set(counter, 41);
  expect(await mc.incr(counter)).toBe(42);
  expect(await mc.get(key)).toBe('wxy');
  expect(await mc.delete(key)).toBe(true);
  expect((await mc.version()).size).toBe(1);
}

describe.each(protocols)('binary: %s', (binary) => {
  it.each(['requests', 'answers', 'both'] as const)('%s byte by byte', async (direction) => {
    proxy().set(direction, { piece: 1 });
    await everything(connect(proxy(), { binary, timeout: 25_000 }));
  });

  it('in pieces, late', async () => {
    proxy().set('answers', { piece: 50, delay: 10 });
    await everything(connect(proxy(), { binary, timeout: 25_000 }));
  });

  it('an answer that comes too slowly ends by the deadline, though something comes all the time', async () => {
    const key = uniqueKey();
    const mc = connect(proxy(), { binary, timeout: 500 });
    await mc.set(key, Buffer.alloc(500_000), { timeout: 10_000 });
    proxy().set('answers', { rate: 5000 });
    const single = await timed(mc.get(key));
    expect(single.outcome).toBe('TimeoutError');
    expect(single.milliseconds).toBeLessThan(500 + MARGIN);
    const several = await timed(mc.getMulti([key, 'other']));
    expect(['TimeoutError', 'ServerDown']).toContain(several.outcome);
    expect(several.milliseconds).toBeLessThan(500 + MARGIN);
    // And nobody reads on for ever: the client closes.
    const start = Date.now();
    await mc.close();
    expect(Date.now() - start).toBeLessThan(500 + MARGIN);
  });

  it('cut at every byte of an answer: never half a value', async () => {
    const key = uniqueKey();
    await connect(server(), { binary }).set(key, 'the whole value');
    const mc = connect(proxy(), { binary, timeout: 3000, behaviors: { retry_timeout: 0 } });
    // Longer than a greeting and the answer in either protocol.
    const seen = new Set<string>();
    for (let bytes = 1; bytes < 150; bytes += 3) {
      proxy().set('answers', { cutAfter: bytes });
      for (const { outcome, value } of await Promise.all([timed(mc.get(key)), timed(mc.get('nothing'))])) {
        seen.add(outcome);
        if (outcome === 'ok') expect([undefined, 'the whole value']).toContain(value);
        else expect(outcome).not.toBe('TimeoutError');
      }
      proxy().cut();
    }
    expect(seen.has('ok') && seen.size > 1).toBe(true);
    proxy().heal();
    await mc.disconnectAll();
    expect(await mc.get(key)).toBe('the whole value');
  });
});

it('connections that are served in another order than they were made', async () => {
  const own: FaultProxy = await startFaultProxy(server());
  own.welcome = 'reorder';
  own.gather = 4;
  const clients = Array.from({ length: 4 }, () => connect(own, { timeout: 10_000 }));
  const keys = clients.map(() => uniqueKey());
  await Promise.all(clients.map((mc, index) => mc.set(keys[index] ?? '', index)));
  expect(await Promise.all(clients.map((mc, index) => mc.get(keys[index] ?? '')))).toEqual([0, 1, 2, 3]);
  await own.stop();
});
