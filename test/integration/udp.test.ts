import * as dgram from 'node:dgram';
import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { failure, sleep, stored, thrown, useClients } from '../support/clients';

const connect = useClients();
let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached({ udp: true, memoryMb: 256 });
});
afterAll(stopAll);

/** A datagram takes its time, and nobody says that it has come. */
async function becomes(key: string, bytes: string | undefined): Promise<void> {
  for (let tries = 0; tries < 100 && (await stored(server, key))?.bytes !== bytes; ++tries) await sleep(10);
  expect((await stored(server, key))?.bytes).toBe(bytes);
}

describe('writes arrive at a real server', () => {
  const mcOf = () => connect(`udp:${server.address}`);

  it('set, with flags', async () => {
    const key = uniqueKey();
    expect(await mcOf().set(key, 'value')).toBe(true);
    await becomes(key, 'value');
    expect((await stored(server, key))?.flags).toBe(16);
  });

  it('add, replace, append, prepend, cas, delete: always true, whatever the server does', async () => {
    const mc = mcOf();
    const [key, missing] = [uniqueKey(), uniqueKey()];
    expect(await mc.replace(missing, 'value')).toBe(true);
    expect(await mc.add(key, 'first')).toBe(true);
    await becomes(key, 'first');
    expect(await mc.add(key, 'second')).toBe(true);
    expect(await mc.append(key, '+')).toBe(true);
    await becomes(key, 'first+');
    expect(await mc.prepend(key, '-')).toBe(true);
    await becomes(key, '-first+');
    expect(await mc.cas(key, 'swapped', 1n)).toBe(true); // nobody's token
    expect(await mc.replace(key, 'replaced')).toBe(true);
    await becomes(key, 'replaced');
    expect(await mc.delete(key)).toBe(true);
    await becomes(key, undefined);
    expect(await mc.delete(missing)).toBe(true);
    expect(await stored(server, missing)).toBeUndefined();
  });

  it('setMulti, addMulti, deleteMulti, with a namespace', async () => {
    const mc = mcOf();
    mc.behaviors.namespace = 'space:';
    const [one, two] = [uniqueKey(), uniqueKey()];
    expect(await mc.setMulti({ [one]: 'one' })).toEqual([]);
    expect(await mc.addMulti({ [two]: 'two' })).toEqual([]);
    await becomes(`space:${one}`, 'one');
    await becomes(`space:${two}`, 'two');
    expect(await mc.deleteMulti([one, two])).toBe(true);
    await becomes(`space:${one}`, undefined);
    await becomes(`space:${two}`, undefined);
  });

  it('a large value, if a datagram has room for it', async () => {
    const mc = mcOf();
    const [large, larger] = [uniqueKey(), uniqueKey()];
    expect(await mc.set(large, 'x'.repeat(60_000))).toBe(true);
    await becomes(large, 'x'.repeat(60_000));
    expect(await failure(mc.set(larger, 'x'.repeat(66_000)))).toMatchObject({
      name: 'TooBig',
      key: larger,
      outcomeUnknown: false,
    });
    expect(await mc.set(larger, 'x'.repeat(66_000), { minCompressLen: 1 })).toBe(true); // a hundred bytes
    expect(await mc.setMulti({ [large]: 'small', [larger]: 'x'.repeat(66_000) })).toEqual([larger]);
    await becomes(large, 'small');
  });

  it('over IPv6', async () => {
    const own = await startMemcached({ transport: 'tcp6', udp: true });
    const key = uniqueKey();
    expect(await connect(`udp:${own.address}`).set(key, 'value')).toBe(true);
    for (let tries = 0; tries < 100 && (await stored(own, key)) === undefined; ++tries) await sleep(10);
    expect(await stored(own, key)).toMatchObject({ bytes: 'value' });
  });
});

describe('what needs an answer', () => {
  let socket: dgram.Socket;
  const received: string[] = [];
  beforeAll(async () => {
    socket = dgram.createSocket('udp4', (message) => received.push(message.toString('latin1')));
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
  });
  afterAll(() => {
    socket.close();
  });
  const mcOf = () => connect(`udp:127.0.0.1:${String(socket.address().port)}`, { timeout: 1000 });

  const calls: [string, (mc: Client) => Promise<unknown>][] = [
    ['get', (mc) => mc.get('key')],
    ['gets', (mc) => mc.gets('key')],
    ['has', (mc) => mc.has('key')],
    ['getMulti', (mc) => mc.getMulti(['key', 'other'])],
    ['getsMulti', (mc) => mc.getsMulti(['key'])],
    ['incr', (mc) => mc.incr('key')],
    ['decr', (mc) => mc.decr('key')],
    ['incr with initial', (mc) => mc.incr('key', 1, { initial: 1 })],
    ['incrMulti', (mc) => mc.incrMulti(['key'])],
    ['touch', (mc) => mc.touch('key', 1)],
    ['getStats', (mc) => mc.getStats()],
    ['version', (mc) => mc.version()],
  ];

  it.each(calls)('%s: NotSupportedError, and nothing is sent', async (_name, call) => {
    const mc = mcOf();
    received.length = 0;
    expect(await failure(call(mc))).toMatchObject({
      name: 'NotSupportedError',
      code: 'ERR_MEMCACHED_NOT_SUPPORTED',
      outcomeUnknown: false,
    });
    await mc.set('after', 1); // on the same way: what came before it would be there
    while (received.length === 0) await sleep(5);
    expect(received.map((datagram) => datagram.slice(8))).toEqual(['set after 4 0 1 noreply\r\n1\r\n']);
  });

  it('all else asks for none', async () => {
    const mc = mcOf();
    received.length = 0;
    await mc.set('key', 'value');
    await mc.delete('key');
    await mc.flushAll();
    while (received.length < 3) await sleep(5);
    expect(received.every((datagram) => /^\w+ .*noreply\r\n/.test(datagram.slice(8)))).toBe(true);
  });

  it('too large: nothing is sent', async () => {
    const mc = mcOf();
    received.length = 0;
    expect((await failure(mc.set('key', Buffer.alloc(100_000)))).name).toBe('TooBig');
    await mc.set('after', 1);
    while (received.length === 0) await sleep(5);
    expect(received).toHaveLength(1);
  });
});

it('nobody there: nothing is noticed, or the system is told so, and the next write is refused', async () => {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  const mc = connect(`udp:127.0.0.1:${String(port)}`, { timeout: 1000 });
  expect(await mc.set('key', 0)).toBe(true);
  for (let round = 0; round < 5; ++round) {
    const outcome = await mc.set('key', round).catch((error: unknown) => (error as Error).name);
    expect([true, 'ConnectionError']).toContain(outcome);
    await sleep(10);
  }
  expect(mc.explain('key').serverState).toBe('up'); // nobody can tell
});

it('is text: keys with blanks are refused', async () => {
  expect(await failure(connect(`udp:${server.address}`).set('a key', 1))).toMatchObject({ name: 'BadKeyProvided' });
});

it('cannot be binary', () => {
  const error = thrown(() => connect(`udp:${server.address}`, { binary: true }));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toMatch(/UDP.*binary/);
});

it('cannot be mixed with TCP', () => {
  expect(thrown(() => connect([`udp:${server.address}`, server.address])).message).toMatch(/mix/);
});
