import { uniqueKey } from '../support/unique-keys';
import { startMemcached } from '../support/memcached-servers';
import { startReplayServer, type FakeServer } from '../support/fake-servers';
import { everywhere, failure, secondsLeft, useClients } from '../support/clients';

everywhere(({ connect, server }) => {
  it('swaps while nobody else wrote', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const [, token] = await mc.gets(key);
    expect(await mc.cas(key, 'new', token as bigint)).toBe(true);
    expect(await mc.get(key)).toBe('new');
  });

  it('resolves to false if somebody did', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const [, token] = await mc.gets(key);
    await mc.set(key, 'other');
    expect(await mc.cas(key, 'new', token as bigint)).toBe(false);
    expect(await mc.get(key)).toBe('other');
    expect(await mc.cas(key, 'new', token as bigint)).toBe(false);
  });

  it('uses a token once', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 0);
    const [, token] = await mc.gets(key);
    const swapped = await Promise.all(Array.from({ length: 10 }, (_, index) => mc.cas(key, index, token as bigint)));
    expect(swapped).toEqual([true, ...Array.from({ length: 9 }, () => false)]);
    expect(await mc.get(key)).toBe(0);
  });

  it('rejects with NotFound for a key that is gone', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const [, token] = await mc.gets(key);
    await mc.delete(key);
    expect(await failure(mc.cas(key, 'new', token as bigint))).toMatchObject({
      name: 'NotFound',
      code: 'ERR_MEMCACHED_NOT_FOUND',
      operation: 'cas',
      key,
      server: server().address,
    });
    expect(await mc.has(key)).toBe(false);
  });

  it('takes a time and compresses', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'old');
    const [, token] = await mc.gets(key);
    expect(await mc.cas(key, 'new'.repeat(100), token as bigint, { time: 100, minCompressLen: 10 })).toBe(true);
    expect(await mc.get(key)).toBe('new'.repeat(100));
    expect(await secondsLeft(server(), key)).toBeGreaterThan(95);
  });

  it('counts up from many clients without losing one', async () => {
    const key = uniqueKey();
    const clients = [connect(), connect(), connect()];
    await clients[0]?.set(key, 0);
    await Promise.all(
      clients.map(async (mc) => {
        for (let left = 10; left > 0;) {
          const [value, token] = await mc.gets<number>(key);
          if (await mc.cas(key, (value as number) + 1, token as bigint)) --left;
        }
      }),
    );
    expect(await clients[0]?.get(key)).toBe(30);
  });
});

describe('a token of 20 digits', () => {
  const connect = useClients();

  it('is refused in text: libmemcached has room for 19', async () => {
    const server = await startMemcached();
    const mc = connect(server, { binary: false });
    await expect(mc.cas(uniqueKey(), 'new', 2n ** 64n - 2n)).rejects.toMatchObject({
      name: 'NotSupportedError',
      operation: 'cas',
    });
    await server.stop();
  });
});

describe('tokens have 64 bits', () => {
  const connect = useClients();
  let fake: FakeServer;
  afterEach(() => fake.stop());

  it.each([2n ** 53n + 1n, 2n ** 63n + 1n])('in text: %d', async (token) => {
    fake = await startReplayServer((socket, chunk) => {
      const line = chunk.toString();
      if (line.startsWith('gets')) socket.write(`VALUE key 16 5 ${token}\r\nvalue\r\nEND\r\n`);
      if (line.startsWith('cas')) socket.write('STORED\r\n');
      if (line.startsWith('version')) socket.write('VERSION 1.6.18\r\n');
    });
    const mc = connect(fake, { binary: false });
    expect(await mc.gets('key')).toEqual(['value', token]);
    expect(await mc.getsMulti(['key'])).toEqual(new Map([['key', ['value', token]]]));
    expect(await mc.cas('key', 'new', token)).toBe(true);
    expect(fake.received.toString()).toContain(` ${token}\r\n`);
  });

  it('in binary', async () => {
    const token = 2n ** 64n - 2n;
    const swaps: bigint[] = [];
    fake = await startReplayServer((socket, chunk) => {
      let at = 0;
      while (at + 24 <= chunk.length) {
        const request = chunk.subarray(at, at + 24 + chunk.readUInt32BE(at + 8));
        at += request.length;
        const opcode = request[1] as number;
        const condition = request.readBigUInt64BE(16);
        if (condition !== 0n) swaps.push(condition);
        const isGet = [0x00, 0x09, 0x0c, 0x0d].includes(opcode);
        const isQuietMiss = (opcode === 0x09 || opcode === 0x0d) && !request.includes('key');
        if (isQuietMiss) continue;
        const extras = isGet ? Buffer.from([0, 0, 0, 16]) : Buffer.alloc(0);
        const key = opcode === 0x0c || opcode === 0x0d ? Buffer.from('key') : Buffer.alloc(0);
        const value = Buffer.from(isGet ? 'value' : opcode === 0x0b ? '1.6.18' : '');
        const head = Buffer.alloc(24);
        head.set([0x81, opcode]);
        head.writeUInt16BE(key.length, 2);
        head[4] = extras.length;
        head.writeUInt32BE(extras.length + key.length + value.length, 8);
        request.copy(head, 12, 12, 16);
        head.writeBigUInt64BE(isGet ? token : 1n, 16);
        socket.write(Buffer.concat([head, extras, key, value]));
      }
    });
    const mc = connect(fake, { binary: true });
    expect(await mc.gets('key')).toEqual(['value', token]);
    expect(await mc.cas('key', 'new', token)).toBe(true);
    expect(swaps).toEqual([token]);
  });
});
