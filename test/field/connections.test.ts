// Connections that were closed, forgotten, refused or that drip, as the field reports them (rows C2 to C7; C1: names.test.ts).
// Restarts that reads survive: test/failover/recovery.test.ts. Probes and ejection: test/failover.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as net from 'node:net';
import type { Client } from '../../lib/index';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { uniqueKey } from '../support/unique-keys';
import { startNutcracker } from '../support/twemproxy';
import { freePort } from '../support/child-processes';
import { slowness } from '../support/sanitizers';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { haveConnections, statistic } from '../support/clients';
import {
  failure,
  MARGIN,
  protocols,
  sleep,
  tally,
  timed,
  until,
  useClients,
  type Timed,
} from '../support/failover-clusters';
import { frame, opcodes, startFake, type Override } from '../support/fake-memcached';

const connect = useClients();
afterAll(stopAll);

/** What README recommends. */
const recommended = { ketama: true, remove_failed: 1, retry_timeout: 1, dead_timeout: 60 };

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

type Call = (mc: Client, key: string) => Promise<unknown>;
const everything: [string, Call, unknown][] = [
  ['set', (mc, key) => mc.set(key, 1), true],
  ['add', (mc, key) => mc.add(key, 1), true],
  ['incr with a start', (mc, key) => mc.incr(key, 1, { initial: 7 }), 7],
  ['append', (mc, key) => mc.append(key, 'x'), false],
  ['delete', (mc, key) => mc.delete(key), false],
  ['touch', (mc, key) => mc.touch(key, 0), false],
  ['setMulti', (mc, key) => mc.setMulti([[key, 1]]), []],
  ['getMulti', (mc, key) => mc.getMulti([key]), new Map()],
  ['getStats', (mc) => mc.getStats().then((stats) => stats.length), 1],
  ['version', (mc) => mc.version().then((versions) => versions.size), 1],
  ['flushAll', (mc) => mc.flushAll(), true],
];

describe.each(protocols)('binary: %s', (binary) => {
  describe('C2: a connection that the server closed while it was idle is not written to', () => {
    let server: MemcachedServer;
    let proxy: FaultProxy;
    beforeAll(async () => {
      server = await startMemcached();
    });
    beforeEach(async () => {
      proxy = await startFaultProxy(server);
    });
    afterEach(() => proxy.stop());
    afterAll(() => server.stop());

    it.each(everything)('%s', async (_name, call, expected) => {
      const mc = connect(proxy, { binary, timeout: 3000 });
      for (const how of ['close', 'reset', 'close'] as const) {
        await mc.get('warm');
        await sleep(10);
        proxy.cut(how);
        await until(() => proxy.open === 0);
        await sleep(5);
        expect(await call(mc, uniqueKey())).toEqual(expected);
      }
      expect(mc.metrics().servers[0]).toMatchObject({ errors: 0, state: 'up', reconnects: 3 });
    });

    it.each(['tcp', 'unix'] as const)(
      'a restart of the server, %s, of which the loop knows nothing',
      async (transport) => {
        const own = await startMemcached({ transport });
        const mc = connect(own, { binary, timeout: 3000 });
        for (const [name, call, expected] of everything) {
          await mc.get('warm');
          process.kill(own.pid, 'SIGKILL');
          // Nobody turns the loop between its end and the next call, but this: memcached needs a moment to die.
          block(60);
          const refused = await timed(call(mc, 'restarted')); // nothing listens now: it was never sent
          expect(refused.outcome).toBe(name === 'setMulti' ? 'ok' : 'ConnectionError'); // it lists what was not stored
          expect(refused.error?.outcomeUnknown ?? false).toBe(false);
          await own.restart();
          await mc.disconnectAll();
          expect(await call(mc, uniqueKey())).toEqual(expected);
        }
        await own.stop();
      },
    );

    it('a restart in between', async () => {
      const own = await startMemcached();
      const mc = connect(own, { binary, timeout: 3000 });
      for (const [, call, expected] of everything) {
        await mc.get('warm');
        await own.restart();
        expect(await call(mc, uniqueKey())).toEqual(expected);
      }
      expect(mc.metrics().servers[0]).toMatchObject({ errors: 0, state: 'up' });
      await own.stop();
    });

    it('memcached -o idle_timeout', async () => {
      const own = await startMemcached({ args: ['-o', 'idle_timeout=1'] });
      const mc = connect(own, { binary, timeout: 3000 });
      await mc.get('warm');
      await until(async () => (await statistic(own, 'idle_kicks')) > 0, 10_000);
      const calls = everything.slice(0, -1).map(([, call]) => timed(call(mc, uniqueKey())));
      expect(tally(await Promise.all(calls))).toEqual({ ok: calls.length });
      await own.stop();
    });
  });

  describe('C3: silence on an idle connection costs that connection first', () => {
    let server: MemcachedServer;
    let forgetful: Forgetful;
    beforeEach(async () => {
      server = await startMemcached();
      forgetful = await startForgetful(server.port);
    });
    afterEach(async () => {
      forgetful.stop();
      await server.stop();
    });
    const options = { binary, timeout: 400, behaviors: recommended };

    it.each<[string, Call]>([
      ['a read', (mc) => mc.get('warm')],
      ['a write', (mc) => mc.set('other', 1)],
      ['many', (mc) => Promise.all([mc.set('one', 1), mc.get('warm'), mc.incr('warm'), mc.getMulti(['warm', 'one'])])],
    ])('%s: the server stays, and is asked on a new one', async (_name, call) => {
      const mc = connect(forgetful, options);
      await mc.set('warm', 1, { timeout: 5000 });
      await sleep(1100);
      forgetful.forget();
      const { outcome, milliseconds } = await timed(call(mc, 'key'));
      expect(outcome).toBe('TimeoutError');
      expect(milliseconds).toBeLessThan(400 + MARGIN);
      await sleep(50);
      expect(mc.metrics().servers[0]).toMatchObject({ state: 'up' });
      expect(await mc.set('warm', 2)).toBe(true);
      expect(await mc.get('warm')).toBe(2);
      expect(forgetful.accepted()).toBe(2);
    });

    it('a read with time left is asked again, and its caller sees nothing', async () => {
      const mc = connect(forgetful, { ...options, timeout: 4000, behaviors: { ...recommended, _poll_timeout: 300 } });
      await mc.set('warm', 1);
      await sleep(1100);
      forgetful.forget();
      const { value, outcome } = await timed(mc.get('warm'));
      expect([outcome, value]).toEqual(['ok', 1]);
    });

    it('only if the new one is silent, too, has the server failed', async () => {
      const mc = connect(forgetful, options);
      await mc.set('warm', 1, { timeout: 5000 });
      await sleep(1100);
      forgetful.forget();
      server.suspend();
      expect((await timed(mc.get('warm'))).outcome).toBe('TimeoutError');
      await until(() => mc.metrics().servers[0]?.state === 'dead', 2000);
      server.resume();
    });
  });

  describe('C4: a ring is never emptied', () => {
    it.each<[count: number, how: 'killed' | 'suspended', behaviors: Record<string, unknown>]>([
      [1, 'killed', recommended],
      [3, 'killed', recommended],
      [2, 'suspended', recommended],
      [2, 'killed', { ketama: true, auto_eject: true, failure_limit: 1, retry_timeout: 1, dead_timeout: 60 }],
    ])('%i servers, all %s for a second, %j: asked again at retry_timeout', async (count, how, behaviors) => {
      const servers = await Promise.all(Array.from({ length: count }, () => startMemcached()));
      const mc = connect(servers, { binary, timeout: 300, behaviors });
      const keys = Array.from({ length: 30 }, (_, index) => `ring-${String(index)}`);
      const all = (): Promise<Timed<unknown>[]> => Promise.all(keys.map((key) => timed(mc.set(key, 1))));
      await until(async () => tally(await all()).ok === keys.length);
      for (const server of servers) {
        if (how === 'killed') await server.kill();
        else server.suspend();
      }
      for (const end = Date.now() + 1000; Date.now() < end;) {
        await all();
        await sleep(50);
      }
      expect(tally(await all()).ok).toBeUndefined();
      for (const server of servers) {
        if (how === 'killed') await server.restart();
        else server.resume();
      }
      const start = Date.now();
      await until(async () => tally(await all()).ok === keys.length);
      expect(Date.now() - start).toBeLessThan(1000 + 300 + MARGIN);
      await Promise.all(servers.map((server) => server.stop()));
    });
  });

  describe('C6: an answer that drips ends', () => {
    /** Sends its bytes one by one, every 20 ms, for as long as anybody listens. */
    const drip = (socket: net.Socket, bytes: Buffer): void => {
      let at = 0;
      const timer = setInterval(() => {
        if (socket.writable) socket.write(bytes.subarray(at, ++at));
      }, 20);
      socket.on('close', () => {
        clearInterval(timer);
      });
    };
    const dripping =
      (make: Override): Override =>
      (request, socket) => {
        const bytes = make(request, socket);
        if (bytes === undefined) return undefined;
        drip(socket, Buffer.from(bytes));
        return '';
      };
    const value = 'x'.repeat(1000);
    const drops: [string, Override, Call][] = [
      [
        'a value',
        ({ binary: isBinary, opcode, opaque, key }) =>
          isBinary
            ? frame({ opcode, opaque, key, value, extras: Buffer.alloc(4) })
            : `VALUE ${key} 0 1000\r\n${value}\r\nEND\r\n`,
        (mc) => mc.get('key'),
      ],
      [
        'statistics',
        ({ binary: isBinary, opcode, opaque }) =>
          isBinary
            ? Buffer.concat(Array.from({ length: 30 }, () => frame({ opcode, opaque, key: 'name', value: 'value' })))
            : 'STAT name value\r\n'.repeat(60),
        (mc) => mc.getStats(),
      ],
      [
        'an error',
        ({ binary: isBinary, opcode, opaque }) =>
          isBinary
            ? frame({ opcode, opaque, status: 0x82, value: value.slice(0, 900) })
            : `SERVER_ERROR ${value.slice(0, 300)}\r\n`,
        (mc) => mc.set('key', 1),
      ],
    ];

    it.each(drops)('%s', async (_name, make, call) => {
      const fake = await startFake(dripping(make));
      const mc = connect(fake, { binary, timeout: 200, behaviors: { retry_timeout: 1 } });
      const first = await timed(call(mc, 'key'));
      expect(first).toMatchObject({ outcome: 'TimeoutError' });
      expect(first.milliseconds).toBeLessThan(200 + MARGIN);
      await until(() => mc.metrics().servers[0]?.state === 'down', 300 + MARGIN);
      expect(mc.metrics().servers[0]).toMatchObject({ inFlight: 0, queueDepth: 0 });
      await until(async () => (await open(fake.port)) === 0);
      const start = Date.now();
      await mc.close();
      expect(Date.now() - start).toBeLessThan(MARGIN);
      await fake.stop();
    });

    it('a greeting', async () => {
      const greeting: Override = ({ binary: isBinary, opcode, opaque }) =>
        isBinary ? frame({ opcode, opaque, value: '1.6.18' }) : 'VERSION 1.6.18\r\n';
      const fake = await startFake(dripping(greeting), { rude: true });
      const mc = connect(fake, { binary, timeout: 100 });
      const { outcome, milliseconds } = await timed(mc.get('key'));
      expect(outcome).toBe('TimeoutError');
      expect(milliseconds).toBeLessThan(100 + MARGIN);
      await until(async () => (await open(fake.port)) === 0);
      await fake.stop();
    });

    it('what was given up frees its value', async () => {
      const deaf = await startDeaf();
      const mc = connect(deaf, { binary, timeout: 100, behaviors: { retry_timeout: 0 } });
      const large = Buffer.alloc(1_000_000);
      const before = process.memoryUsage().rss;
      for (let round = 0; round < 40; ++round)
        await Promise.all(Array.from({ length: 10 }, () => timed(mc.set('key', large))));
      // 400 values of 1 MB were rejected.
      expect(process.memoryUsage().rss - before).toBeLessThan(150e6 * slowness);
      expect(mc.metrics().servers[0]).toMatchObject({ inFlight: 0, queueDepth: 0 });
      deaf.stop();
    });
  });

  describe('C7: an answer of gigabytes is not kept', () => {
    it.each([
      ['4 GB', 2 ** 32 - 100],
      ['just over 1 GiB', 2 ** 30 + 100],
    ])('%s: refused by what its first line says', async (_name, bytes) => {
      const fake = await startFake(({ binary: isBinary, opcode, opaque, key }) =>
        isBinary
          ? frame({ opcode, opaque, key, extras: Buffer.alloc(4), value: 'x', bodyLength: bytes })
          : `VALUE ${key} 0 ${String(bytes)}\r\nx`,
      );
      const mc = connect(fake, { binary, timeout: 2000 });
      const { error, milliseconds } = await timed(mc.get('key'));
      expect(error).toMatchObject({ name: 'UnknownReadFailure', outcomeUnknown: false });
      expect(milliseconds).toBeLessThan(1000);
      await until(async () => (await open(fake.port)) === 0);
      await fake.stop();
    });

    it('one of 1 GiB that comes and comes: dropped at the deadline', async () => {
      const piece = Buffer.alloc(1 << 20);
      const fake = await startFake(({ binary: isBinary, opcode, opaque, key }, socket) => {
        const pour = (): void => {
          while (socket.writable && socket.write(piece));
        };
        socket.on('drain', pour);
        setImmediate(pour);
        return isBinary
          ? frame({ opcode, opaque, key, extras: Buffer.alloc(4), bodyLength: 2 ** 30 })
          : `VALUE ${key} 0 ${String(2 ** 30)}\r\n`;
      });
      const before = process.memoryUsage().rss;
      const mc = connect(fake, { binary, timeout: 200 });
      const { outcome, milliseconds } = await timed(mc.get('key'));
      expect(outcome).toBe('TimeoutError');
      expect(milliseconds).toBeLessThan(200 + MARGIN);
      await until(async () => (await open(fake.port)) === 0);
      await fake.stop();
      expect(process.memoryUsage().rss - before).toBeLessThan(100e6 * slowness);
    });
  });
});

describe('C5: whatever answers is up', () => {
  it('twemproxy whose first, or last, backend is gone', async () => {
    const alive = await startMemcached();
    for (const order of ['first', 'last']) {
      const gone = await freePort();
      const proxy = await startNutcracker(order === 'first' ? [gone, alive] : [alive, gone]);
      const between = await startFaultProxy(proxy);
      const mc = connect(between, { binary: false, timeout: 3000, behaviors: recommended });
      const keys = Array.from({ length: 100 }, () => randomUUID());
      const stores = await Promise.all(keys.map((key) => timed(mc.set(key, key))));
      const there = keys.filter((_, index) => stores[index]?.outcome === 'ok');
      expect(there.length).toBeGreaterThan(0);
      expect(there.length).toBeLessThan(keys.length);
      for (const { error } of stores) if (error) expect(error).toMatchObject({ name: 'ServerError' });
      for (let round = 0; round < 3; ++round) {
        const reads = await Promise.all(keys.map((key) => timed(mc.get(key))));
        // One multi-get to the proxy is one answer from it.
        const own = await Promise.all(there.map((key) => mc.get(key)));
        expect(own).toEqual(there);
        for (const { error } of reads) if (error) expect(error.name).toBe('ServerError');
      }
      expect(mc.metrics().servers[0]).toMatchObject({ state: 'up' });
      await between.stop();
      await proxy.stop();
    }
    await alive.stop();
  });

  it.each(['SERVER_ERROR Connection refused', 'CLIENT_ERROR unknown', 'ERROR'])('greeted with %s', async (said) => {
    const fake = await startFake(({ opcode }) => (opcode === opcodes.version ? `${said}\r\n` : undefined), {
      rude: true,
    });
    const mc = connect(fake, { binary: false, timeout: 1000, behaviors: recommended });
    expect(await mc.set('key', 'value')).toBe(true);
    expect(await mc.get('key')).toBe('value');
    expect(mc.metrics().servers[0]).toMatchObject({ state: 'up', errors: 0 });
    expect(fake.accepted).toBe(1);
    await fake.stop();
  });

  // (Of several keys that are read at once nobody knows how many errors there will be: that connection is dropped.)
  it.each<[string, Call]>([
    ['a store', (mc) => mc.set('refused', 1)],
    ['a counter', (mc) => mc.incr('refused')],
    ['a read', (mc) => mc.get('refused')],
    ['a delete', (mc) => mc.delete('refused')],
  ])('SERVER_ERROR to %s: the connection is kept, and nobody else is concerned', async (_name, call) => {
    const fake = await startFake(({ line }) =>
      line.includes(' refused') ? 'SERVER_ERROR Connection refused\r\n' : undefined,
    );
    const mc = connect(fake, { binary: false, timeout: 1000, behaviors: recommended });
    const calls = [mc.set('before', 1), call(mc, ''), mc.set('behind', 2), mc.touch('before', 0), mc.delete('none')];
    const results = await Promise.allSettled(calls);
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { name: 'ServerError' } });
    results.splice(1, 1);
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(mc.metrics().servers[0]).toMatchObject({ state: 'up', reconnects: 0 });
    expect(fake.accepted).toBe(1);
    await fake.stop();
  });
});

it('clients leave no connection behind', async () => {
  const server = await startMemcached();
  const clients = Array.from({ length: 10 }, (_, index) => connect(server, { binary: index % 2 === 0 }));
  await Promise.all(clients.map((mc) => mc.set('key', 1)));
  await haveConnections(server, 1 + 10);
  for (const mc of clients.slice(5)) mc.destroy();
  await Promise.all(clients.slice(0, 5).map((mc) => mc.close()));
  await haveConnections(server, 1);
  expect((await failure(clients[0]?.get('key') as Promise<unknown>)).name).toBe('ClientClosed');
  await server.stop();
});

interface Forgetful {
  address: string;
  /** Nothing passes any longer on the connections that are open; new ones are served. */
  forget(): void;
  accepted(): number;
  stop(): void;
}

/** A firewall that forgets connections: without a FIN or RST. */
async function startForgetful(port: number): Promise<Forgetful> {
  const pairs: net.Socket[][] = [];
  let accepted = 0;
  const server = net.createServer((client) => {
    ++accepted;
    const upstream = net.connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.pipe(upstream);
    upstream.pipe(client);
    pairs.push([client, upstream]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${String((server.address() as net.AddressInfo).port)}`,
    forget() {
      for (const [client, upstream] of pairs) {
        client?.unpipe().resume();
        upstream?.unpipe().resume();
      }
    },
    accepted: () => accepted,
    stop() {
      server.close();
      for (const socket of pairs.flat()) socket.destroy();
    },
  };
}

/** Greets, and then reads no more. */
async function startDeaf(): Promise<{ address: string; stop: () => void }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', (bytes: Buffer) => {
      const opaque = bytes[0] === 0x80 ? bytes.readUInt32BE(12) : 0;
      const opcode = bytes.readUInt8(1);
      if (bytes.toString('latin1') === 'version\r\n') socket.write('VERSION 1.6.18\r\n');
      else if (bytes[0] === 0x80 && opcode === opcodes.version)
        socket.write(frame({ opcode, opaque, value: '1.6.18' }));
      else if (bytes.includes('libmemcached:idle?')) socket.write(frame({ opcode, opaque, status: 1 }));
      else socket.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${String((server.address() as net.AddressInfo).port)}`,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** How many connections of ours to a port are established, by the kernel's account. */
async function open(port: number): Promise<number> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/tcp', 'latin1')).split('\n');
  return lines.filter((line) => new RegExp(`^ *\\d+: \\w+:\\w+ \\w+:${hex} 01 `).test(line)).length;
}
