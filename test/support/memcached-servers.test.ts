import { existsSync } from 'node:fs';
import { uniqueKey } from './unique-keys';
import { startNutcracker } from './twemproxy';
import { runPylibmc } from './python';
import { rawCommand } from './raw-command';
import { startMemcached, stopAll } from './memcached-servers';
import { startHttpServer, startRefusingPort, startReplayServer, startSilentServer } from './fake-servers';

afterEach(stopAll);

const alive = (pid: number): boolean => existsSync(`/proc/${String(pid)}`);

const STORE_WITH_PYLIBMC = `
import json, pylibmc, sys
address, key, value, binary, username, password = sys.argv[1:]
mc = pylibmc.Client([address], binary=binary == 'true', username=username or None, password=password or None)
mc.set(key, value)
print(json.dumps(mc.get(key)))
`;

describe('startMemcached', () => {
  it.each(['tcp', 'tcp6', 'unix'] as const)('listens on %s', async (transport) => {
    const server = await startMemcached({ transport });
    expect(server.address).toMatch(
      { tcp: /^127\.0\.0\.1:\d+$/, tcp6: /^\[::1\]:\d+$/, unix: /^\/.*\.sock$/ }[transport],
    );
    const key = uniqueKey();
    expect(await rawCommand(server, `set ${key} 5 0 7\r\nx\r\nEND!\r\n`)).toBe('STORED\r\n');
    expect(await rawCommand(server, `get ${key}\r\n`)).toBe(`VALUE ${key} 5 7\r\nx\r\nEND!\r\nEND\r\n`);
  });

  it('starts several at once, each at its own port', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => startMemcached()));
    expect(new Set(servers.map((server) => server.address)).size).toBe(5);
    await stopAll();
    expect(servers.map((server) => server.running)).toEqual(servers.map(() => false));
  });

  it('stops, and takes its socket along', async () => {
    const server = await startMemcached({ transport: 'unix' });
    const { pid, path } = server;
    expect([server.running, alive(pid), existsSync(path ?? '')]).toEqual([true, true, true]);
    await server.stop();
    expect([server.running, alive(pid), existsSync(path ?? '')]).toEqual([false, false, false]);
  });

  it.each(['tcp', 'unix'] as const)('comes back on %s, empty, at the same address', async (transport) => {
    const server = await startMemcached({ transport });
    const { address, pid } = server;
    await rawCommand(server, 'set k 0 0 1\r\nx\r\n');
    await server.kill();
    await expect(rawCommand(server, 'version\r\n')).rejects.toThrow(/ECONNREFUSED|ENOENT/);
    await server.restart();
    expect(server.address).toBe(address);
    expect(server.pid).not.toBe(pid);
    expect(await rawCommand(server, 'get k\r\n')).toBe('END\r\n');
  });

  it('can be suspended and resumed', async () => {
    const server = await startMemcached();
    server.suspend();
    const answer = rawCommand(server, 'version\r\n');
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'silence'))]);
    expect(first).toBe('silence');
    server.resume();
    expect(await answer).toMatch(/^VERSION /);
  });

  it('can be stopped while it is suspended', async () => {
    const server = await startMemcached();
    server.suspend();
    await server.stop();
    expect(alive(server.pid)).toBe(false);
  });

  it('passes the limits on', async () => {
    const server = await startMemcached({ memoryMb: 32, itemSize: '2m', udp: true, args: ['-t', '2'] });
    const settings = await rawCommand(server, 'stats settings\r\n');
    expect(settings).toContain('STAT maxbytes 33554432\r\n');
    expect(settings).toContain('STAT item_size_max 2097152\r\n');
    expect(settings).toContain(`STAT udpport ${String(server.port)}\r\n`);
    expect(settings).toContain('STAT num_threads 2\r\n');
  });

  it('fails with what memcached said', async () => {
    await expect(startMemcached({ transport: 'unix', args: ['--no-such-option'] })).rejects.toThrow('no-such-option');
  });

  it('speaks only text with protocol ascii', async () => {
    const server = await startMemcached({ protocol: 'ascii' });
    expect(await rawCommand(server, 'version\r\n')).toMatch(/^VERSION /);
    const noop = Buffer.alloc(24);
    noop.set([0x80, 0x0a]);
    expect(await rawCommand(server, Buffer.concat([noop, Buffer.from('\r\n')]))).toMatch(/^ERROR/);
  });

  it('asks for the password with sasl', async () => {
    const server = await startMemcached({ sasl: { users: { alice: 'secret', bob: 'pass word' } } });
    const store = (user: string, password: string) =>
      runPylibmc(STORE_WITH_PYLIBMC, [server.address, uniqueKey(), 'value', 'true', user, password]);
    await expect(store('alice', 'secret')).resolves.toBe('value');
    await expect(store('bob', 'pass word')).resolves.toBe('value');
    await expect(store('alice', 'wrong')).rejects.toThrow(/pylibmc/i);
    await server.restart();
    await expect(store('alice', 'secret')).resolves.toBe('value');
  });
});

describe('startNutcracker', () => {
  it('passes requests on to its backends', async () => {
    const backends = await Promise.all([startMemcached(), startMemcached()]);
    const proxy = await startNutcracker(backends);
    const key = uniqueKey();
    expect(await rawCommand(proxy, `set ${key} 0 0 1\r\nx\r\n`)).toBe('STORED\r\n');
    const found = await Promise.all(backends.map((backend) => rawCommand(backend, `get ${key}\r\n`)));
    expect(found.sort()).toEqual(['END\r\n', `VALUE ${key} 0 1\r\nx\r\nEND\r\n`]);
    await proxy.stop();
    expect([proxy.running, alive(proxy.pid)]).toEqual([false, false]);
  });
});

describe('fake servers', () => {
  it('stay silent', async () => {
    const server = await startSilentServer();
    const answer = rawCommand(server, 'version\r\n');
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'silence'))]);
    expect(first).toBe('silence');
    expect([server.accepted, server.received.toString()]).toEqual([1, 'version\r\n']);
    server.disconnectAll();
    await expect(answer).rejects.toThrow('hung up');
    await server.stop();
  });

  it('answer what the test wants', async () => {
    const server = await startReplayServer((socket, chunk) =>
      socket.write(chunk.toString().replace('get', 'SERVER_ERROR')),
    );
    expect(await rawCommand(server, 'get it\r\n')).toBe('SERVER_ERROR it\r\n');
    await server.stop();
  });

  it('refuse', async () => {
    await expect(rawCommand(await startRefusingPort(), 'version\r\n')).rejects.toThrow('ECONNREFUSED');
  });

  it('speak HTTP', async () => {
    const server = await startHttpServer();
    await expect(rawCommand(server, 'version\r\n')).rejects.toThrow('400 Bad Request');
    await server.stop();
  });
});

test('runPylibmc reports what went wrong', async () => {
  await expect(runPylibmc('import sys; sys.exit("so it is")')).rejects.toThrow('so it is');
});
