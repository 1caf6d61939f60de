import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy, type FaultProxy } from './fault-proxy';
import { uniqueKey } from './unique-keys';
import { connectTo } from './child-processes';
import { rawCommand } from './raw-command';
import { startMemcached, stopAll, type MemcachedServer } from './memcached-servers';
import { startReplayServer } from './fake-servers';
import './wall-clock';

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

const version = /^VERSION \S+\r\n$/;

async function timed<T>(promise: Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  return [await promise, performance.now() - start];
}

describe('FaultProxy', () => {
  it('passes everything on, and remembers what was asked', async () => {
    const key = uniqueKey();
    expect(await rawCommand(proxy, `set ${key} 0 0 1\r\nx\r\n`)).toBe('STORED\r\n');
    expect(await rawCommand(server, `get ${key}\r\n`)).toBe(`VALUE ${key} 0 1\r\nx\r\nEND\r\n`);
    expect(proxy.requests.toString()).toBe(`set ${key} 0 0 1\r\nx\r\n`);
    expect(proxy.accepted).toBe(1);
    proxy.forget();
    expect([proxy.accepted, proxy.requests.length]).toEqual([0, 0]);
  });

  it.each(['requests', 'answers'] as const)('delays %s', async (direction) => {
    proxy.set(direction, { delay: 150 });
    const [answer, took] = await timed(rawCommand(proxy, 'version\r\n'));
    expect(answer).toMatch(version);
    expect(took).toBeGreaterThanOrEqual(145);
    proxy.heal();
    expect((await timed(rawCommand(proxy, 'version\r\n')))[1]).toBeLessThan(145);
  });

  it.each(['requests', 'answers'] as const)('holds %s back, and lets them go', async (direction) => {
    proxy.set(direction, { hold: true });
    const answer = rawCommand(proxy, 'version\r\n');
    expect(await Promise.race([answer, sleep(100).then(() => 'nothing')])).toBe('nothing');
    proxy.heal();
    expect(await answer).toMatch(version);
  });

  it('sends byte by byte', async () => {
    proxy.set('both', { piece: 1 });
    const socket = connectTo(proxy);
    const pieces: string[] = [];
    socket.on('data', (bytes) => pieces.push(bytes.toString()));
    socket.write('version\r\n');
    while (!pieces.join('').endsWith('\n')) await sleep(5);
    expect(pieces.join('')).toMatch(version);
    expect(pieces.length).toBeGreaterThan(5);
    socket.destroy();
  });

  it('sends as slowly as it is told', async () => {
    const key = uniqueKey();
    await rawCommand(server, `set ${key} 0 0 2000\r\n${'x'.repeat(2000)}\r\n`);
    proxy.set('answers', { rate: 8000 });
    const [answer, took] = await timed(rawCommand(proxy, `get ${key}\r\n`));
    expect(answer).toHaveLength(2000 + `VALUE ${key} 0 2000\r\n\r\nEND\r\n`.length);
    expect(took).toBeGreaterThanOrEqual(200);
    expect(took).toBeLessThan(1500);
  });

  it('makes the sender wait when it keeps enough', async () => {
    proxy.set('requests', { hold: true });
    const socket = connectTo(proxy);
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(32 * 2 ** 20));
    await sleep(200);
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(proxy.requests.length).toBeLessThan(4 * 2 ** 20);
    socket.destroy();
  });

  it('cuts after a number of bytes', async () => {
    proxy.set('answers', { cutAfter: 4 });
    await expect(rawCommand(proxy, 'version\r\n')).rejects.toThrow(/ECONNRESET|answered so far: "VERS"/);
    proxy.heal();
    expect(await rawCommand(proxy, 'version\r\n')).toMatch(version);
  });

  it.each(['reset', 'close'] as const)('cuts now: %s', async (how) => {
    proxy.set('answers', { hold: true });
    const answer = rawCommand(proxy, 'version\r\n');
    answer.catch(() => undefined);
    while (proxy.requests.length === 0) await sleep(1);
    expect(proxy.open).toBe(1);
    proxy.cut(how);
    await expect(answer).rejects.toThrow(how === 'reset' ? 'ECONNRESET' : 'hung up');
    expect(proxy.open).toBe(0);
  });

  it('slams, ignores and refuses connections', async () => {
    proxy.welcome = 'slam';
    await expect(rawCommand(proxy, 'version\r\n')).rejects.toThrow(/ECONNRESET|EPIPE|hung up/);
    proxy.welcome = 'ignore';
    const ignored = rawCommand(proxy, 'version\r\n');
    expect(await Promise.race([ignored, sleep(100).then(() => 'nothing')])).toBe('nothing');
    const broken = expect(ignored).rejects.toThrow(/ECONNRESET/);
    proxy.cut();
    await broken;
    await proxy.listen(false);
    await expect(rawCommand(proxy, 'version\r\n')).rejects.toThrow('ECONNREFUSED');
    const { port } = proxy;
    await proxy.listen(true);
    proxy.heal();
    expect(proxy.port).toBe(port);
    expect(await rawCommand(proxy, 'version\r\n')).toMatch(version);
  });

  it('serves connections in another order than they came', async () => {
    const order: string[] = [];
    const target = await startReplayServer((socket, chunk) => {
      order.push(chunk.toString());
      socket.write('END\r\n');
    });
    const reordering = await startFaultProxy(target);
    reordering.welcome = 'reorder';
    const first = rawCommand(reordering, 'get first\r\n');
    while (reordering.accepted < 1) await sleep(1);
    expect(await Promise.race([first, sleep(50).then(() => 'nothing')])).toBe('nothing');
    await Promise.all([first, rawCommand(reordering, 'get second\r\n')]);
    expect(order).toEqual(['get second\r\n', 'get first\r\n']);
    await reordering.stop();
    await target.stop();
  });
});
