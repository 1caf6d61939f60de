// Servers that are not there, or break: always an error that says which. For those that answer nonsense see nonsense.test.ts.

import type { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll } from '../support/memcached-servers';
import { startHttpServer, startRefusingPort, startReplayServer } from '../support/fake-servers';
import { failure, protocols, sleep, useClients } from '../support/clients';
import '../support/wall-clock';

const connect = useClients();
afterAll(stopAll);

const calls: [string, (mc: Client) => Promise<unknown>][] = [
  ['get', (mc) => mc.get('key')],
  ['gets', (mc) => mc.gets('key')],
  ['get', (mc) => mc.has('key')],
  ['get', (mc) => mc.getMulti(['key'])],
  ['set', (mc) => mc.set('key', 1)],
  ['add', (mc) => mc.add('key', 1)],
  ['replace', (mc) => mc.replace('key', 1)],
  ['cas', (mc) => mc.cas('key', 1, 1n)],
  ['append', (mc) => mc.append('key', 'data')],
  ['incr', (mc) => mc.incr('key')],
  ['incr', (mc) => mc.incrMulti(['key'])],
  ['delete', (mc) => mc.delete('key')],
  ['delete', (mc) => mc.deleteMulti(['key'])],
  ['touch', (mc) => mc.touch('key', 1)],
];

describe.each(protocols)('binary: %s', (binary) => {
  it('nobody listens: ConnectionError, at once', async () => {
    const nowhere = await startRefusingPort();
    for (const [operation, call] of calls) {
      const mc = connect(nowhere, { binary });
      const start = Date.now();
      const error = await failure(call(mc));
      expect(Date.now() - start).toBeLessThan(1000);
      expect(error).toMatchObject({
        name: 'ConnectionError',
        code: 'ERR_MEMCACHED_CONNECTION',
        operation,
        key: 'key',
        server: nowhere.address,
        outcomeUnknown: false,
      });
      expect(error.retcode).toBeGreaterThan(0);
      expect(error.message).toContain(nowhere.address);
    }
  });

  it('right after that: ServerDown, without trying, until retry_timeout is over', async () => {
    const nowhere = await startRefusingPort();
    const mc = connect(nowhere, { binary, behaviors: { retry_timeout: 1 } });
    await failure(mc.get('key'));
    expect(mc.explain('key').serverState).toBe('down');
    const error = await failure(mc.set('key', 1));
    expect(error).toMatchObject({
      name: 'ServerDown',
      code: 'ERR_MEMCACHED_SERVER_DOWN',
      operation: 'set',
      key: 'key',
      server: nowhere.address,
      outcomeUnknown: false,
    });
    await mc.disconnectAll();
    expect(await failure(mc.get('key'))).toMatchObject({ name: 'ConnectionError' });
    await sleep(1050);
    expect(await failure(mc.get('key'))).toMatchObject({ name: 'ConnectionError' });
  });

  it('setMulti lists every key, deleteMulti rejects', async () => {
    const nowhere = await startRefusingPort();
    const mc = connect(nowhere, { binary });
    expect(await mc.setMulti({ a: 1, b: 2 })).toEqual(['a', 'b']);
    expect(await failure(mc.deleteMulti(['a']))).toMatchObject({ server: nowhere.address });
  });

  it('a server that comes back is found again', async () => {
    const server = await startMemcached();
    const mc = connect(server, { binary, behaviors: { retry_timeout: 0 } });
    const key = uniqueKey();
    await mc.set(key, 'before');
    await server.kill();
    const error = await failure(mc.get(key));
    expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
    expect(error.server).toBe(server.address);
    await failure(mc.get(key));
    await server.restart();
    for (let tries = 0; tries < 3; ++tries) await mc.get(key).catch(() => undefined);
    expect(await mc.get(key)).toBeUndefined();
    expect(await mc.set(key, 'after')).toBe(true);
    expect(await mc.get(key)).toBe('after');
    await server.stop();
  });

  it('a web server: an error, in time', async () => {
    const http = await startHttpServer();
    const error = await failure(connect(http, { binary, timeout: 500 }).get('key'));
    expect(error).toMatchObject({ operation: 'get', key: 'key' });
    await http.stop();
  });

  it('hanging up after the request: the outcome of a write is not known', async () => {
    // Speaks just enough: a version when it is greeted; then it reads the write and hangs up.
    const fake = await startReplayServer((socket, chunk) => {
      if (chunk.includes('the value')) socket.destroy();
      else if (chunk[0] === 0x80) socket.write(binaryAnswer(chunk));
      else if (chunk.toString().startsWith('version')) socket.write('VERSION 1.6.18\r\n');
    });
    const mc = connect(fake, { binary, timeout: 1000 });
    const error = await failure(mc.set('key', 'the value'));
    expect(String(error.code)).toMatch(/^ERR_MEMCACHED_/);
    expect(error).toMatchObject({ operation: 'set', key: 'key', server: fake.address, outcomeUnknown: true });
    expect(error.message).toContain('may or may not');
    await fake.stop();
  });
});

/** A version to whom it asks for that, "not found" to all others. */
/** Answers the requests of a greeting: the version, and misses. */
function binaryAnswer(requests: Buffer): Buffer {
  const answers: Buffer[] = [];
  for (let at = 0; at < requests.length; at += 24 + requests.readUInt32BE(at + 8)) {
    const opcode = requests[at + 1] as number;
    const [isQuietGet, isGet, isVersion] = [[0x09, 0x0d], [0x00, 0x0c], [0x0b]].map((codes) => codes.includes(opcode));
    if (isQuietGet === true) continue; // a miss says nothing
    const body = Buffer.from(isVersion === true ? '1.6.18' : '');
    const head = Buffer.alloc(24);
    head.set([0x81, opcode]);
    head.writeUInt16BE(isGet === true ? 1 : 0, 6);
    head.writeUInt32BE(body.length, 8);
    requests.copy(head, 12, at + 12, at + 16);
    answers.push(head, body);
  }
  return Buffer.concat(answers);
}

describe("a text server's own errors", () => {
  const cases: [answer: string, name: string][] = [
    ['ERROR\r\n', 'ProtocolError'],
    ['CLIENT_ERROR bad data chunk\r\n', 'ClientError'],
    ['SERVER_ERROR out of memory storing object\r\n', 'AllocationError'],
    ['SERVER_ERROR object too large for cache\r\n', 'TooBig'],
    ['SERVER_ERROR something else\r\n', 'ServerError'],
  ];

  it.each(cases)('%j is %s', async (answer, name) => {
    const fake = await startReplayServer((socket, chunk) => {
      socket.write(chunk.toString().startsWith('version') ? 'VERSION 1.6.18\r\n' : answer);
    });
    const error = await failure(connect(fake, { binary: false, timeout: 500 }).set('key', 1));
    expect(error).toMatchObject({
      name,
      key: 'key',
      server: fake.address,
    });
    await fake.stop();
  });
});

describe('remove_failed', () => {
  it('takes a dead server out of the distribution, and in again', async () => {
    const servers = await Promise.all([startMemcached(), startMemcached()]);
    const [first, dead] = servers;
    const mc = connect(servers, {
      behaviors: { ketama: true, remove_failed: 1, retry_timeout: 0, dead_timeout: 1 },
      timeout: 1000,
    });
    const keys = Array.from({ length: 40 }, () => uniqueKey());
    const homes = keys.map((key) => mc.serverFor(key));
    const lost = keys[homes.indexOf(dead.address)] as string;
    await dead.kill();
    await failure(mc.get(lost));
    await mc.get(lost).catch(() => undefined);
    expect(await mc.set(lost, 'elsewhere')).toBe(true);
    expect(mc.serverFor(lost)).toBe(first.address);
    expect(keys.map((key) => mc.serverFor(key))).toEqual(keys.map(() => first.address));
    await dead.restart();
    await sleep(1050);
    for (let tries = 0; tries < 40 && mc.serverFor(lost) !== dead.address; ++tries) {
      await mc.get(keys[0] as string);
      await sleep(10);
    }
    expect(keys.map((key) => mc.serverFor(key))).toEqual(homes);
    expect(await mc.get(lost)).toBeUndefined();
  });
});
