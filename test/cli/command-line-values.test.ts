// get, set, delete, incr, decr, touch: what they write, and how they end.

import { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { cli, records, Terminal, type Ended, type RunOptions } from '../support/command-line';

let server: MemcachedServer;
let mc: Client;
beforeAll(async () => {
  server = await startMemcached();
  mc = new Client(server.address);
});
afterAll(async () => {
  await mc.close();
  await stopAll();
});

const run = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  cli(args, { ...options, env: { MEMCACHED_SERVERS: server.address, ...options.env } });

describe('get', () => {
  it('writes a value and a newline', async () => {
    const key = uniqueKey();
    await mc.set(key, 'hällo');
    expect(await run(['get', key])).toEqual({ code: 0, stdout: 'hällo\n', stderr: '' });
  });

  it('says that a key is not there, with status 1', async () => {
    expect(await run(['get', 'no-such-key'])).toEqual({ code: 1, stdout: '', stderr: 'no-such-key: not found\n' });
  });

  it('gets several keys, each under its name, and says 1 if one is not there', async () => {
    const [one, two] = [uniqueKey(), uniqueKey()];
    await mc.setMulti({ [one]: 'first', [two]: { is: 'second' } });
    expect(await run(['get', one, two])).toMatchObject({
      code: 0,
      stdout: `${one}:\nfirst\n${two}:\n{"is":"second"}\n`,
    });
    expect(await run(['get', one, 'no-such-key', two])).toMatchObject({ code: 1, stderr: 'no-such-key: not found\n' });
  });

  it('writes exactly the bytes with --raw, whatever the value is', async () => {
    const key = uniqueKey();
    const bytes = Buffer.from([0, 255, 10, 27, 128]);
    await mc.set(key, bytes);
    const { stdout } = await run(['get', key, '--raw'], {
      onOutput: (text) => {
        expect(Buffer.from(text, 'latin1')).toEqual(bytes);
      },
    });
    expect(stdout).not.toBe('');
    await mc.set(key, 'x'.repeat(5000), { minCompressLen: 100 });
    expect(await run(['get', key, '--raw'])).toEqual({ code: 0, stdout: 'x'.repeat(5000), stderr: '' });
  });

  it.each([
    ['text', 'string', 'text', 16],
    [42, 'number', 42, 4],
    [1.5, 'number', 1.5, 16 + 512],
    [Number.NaN, 'number', 'NaN', 16 + 512],
    [2n ** 60n, 'bigint', String(2n ** 60n), 4 + 1024],
    [true, 'boolean', true, 2 + 2048],
    [null, 'json', null, 16 + 256],
    [{ a: [1, 'b'] }, 'json', { a: [1, 'b'] }, 16 + 256],
    [Buffer.from([0, 255]), 'bytes', 'AP8=', 0],
  ])('writes %p as JSON with --json', async (value, type, shown, flags) => {
    const key = uniqueKey();
    await mc.set(key, value);
    const { code, stdout } = await run(['get', key, '--json']);
    expect(code).toBe(0);
    expect(records(stdout)).toEqual([{ key, found: true, flags, type, value: shown }]);
  });

  it('writes what is not there as JSON, too', async () => {
    const { code, stdout } = await run(['--json', 'get', 'no-such-key']);
    expect(code).toBe(1);
    expect(records(stdout)).toEqual([{ key: 'no-such-key', found: false }]);
  });

  it('refuses a pickle with status 3, and shows its bytes with --raw', async () => {
    const key = uniqueKey();
    const raw = new Client(server.address, { codec: { serialize: () => ['cnothing.', 1], deserialize: String } });
    await raw.set(key, 'anything');
    await raw.close();
    expect(await run(['get', key])).toMatchObject({ code: 3, stderr: expect.stringContaining('pickle') });
    expect(await run(['get', key, '--raw'])).toMatchObject({ code: 0, stdout: 'cnothing.' });
    const { code, stderr } = await run(['get', key, '--json']);
    expect(code).toBe(3);
    expect(records(stderr)).toMatchObject([{ error: { name: 'DeserializationError' } }]);
  });

  it('shows a value on a terminal without obeying it', async () => {
    const key = uniqueKey();
    await mc.set(key, 'red: \x1b[31m, bell: \x07');
    const terminal = new Terminal(['get', key], { MEMCACHED_SERVERS: server.address });
    expect(await terminal.status()).toBe(0);
    expect(terminal.raw).toBe('red: \\x1b[31m, bell: \\x07\r\n');
  });
});

describe('set', () => {
  it('stores text, silently', async () => {
    const key = uniqueKey();
    expect(await run(['set', key, 'välue'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await mc.get(key)).toBe('välue');
  });

  it('stores the bytes of its standard input', async () => {
    const key = uniqueKey();
    const bytes = Buffer.from([0, 255, 10, 27]);
    expect(await run(['set', key], { input: bytes })).toMatchObject({ code: 0 });
    expect(await mc.get(key)).toEqual(bytes);
    await run(['set', key, '--type', 'json'], { input: '{"a": [1]}\n' });
    expect(await mc.get(key)).toEqual({ a: [1] });
  });

  it.each([
    ['number', '-1.5', -1.5],
    ['bigint', '1152921504606846976', 2n ** 60n],
    ['boolean', 'true', true],
    ['json', '{"a":1}', { a: 1 }],
    ['bytes', 'abc', Buffer.from('abc')],
  ])('stores a %s', async (type, text, value) => {
    const key = uniqueKey();
    expect(await run(['set', '--type', type, '--', key, text])).toMatchObject({ code: 0 });
    expect(await mc.get(key)).toEqual(value);
  });

  it.each([
    ['number', 'one'],
    ['bigint', '1.5'],
    ['boolean', 'yes'],
    ['json', '{'],
    ['date', 'today'],
  ])('refuses what is no %s: %s', async (type, text) => {
    const key = uniqueKey();
    expect(await run(['set', key, text, '--type', type])).toMatchObject({ code: 2, stdout: '' });
    expect(await mc.get(key)).toBeUndefined();
  });

  it('adds and replaces, with status 1 if it did not', async () => {
    const key = uniqueKey();
    expect(await run(['set', key, 'a', '--replace'])).toMatchObject({ code: 1, stderr: `${key}: not stored\n` });
    expect(await run(['set', key, 'b', '--add'])).toMatchObject({ code: 0 });
    expect(await run(['set', key, 'c', '--add', '--json'])).toMatchObject({
      code: 1,
      stdout: `{"key":"${key}","stored":false}\n`,
    });
    expect(await run(['set', key, 'd', '--replace'])).toMatchObject({ code: 0 });
    expect(await mc.get(key)).toBe('d');
    expect(await run(['set', key, 'e', '--replace', '--add'])).toMatchObject({ code: 2 });
  });

  it('takes an expiry, and compresses', async () => {
    const key = uniqueKey();
    expect(await run(['set', key, 'x'.repeat(1000), '--expire', '3', '--compress', '100'])).toMatchObject({ code: 0 });
    expect(await mc.get(key)).toBe('x'.repeat(1000));
    expect(Number((await mc.getStats())[0]?.[1].bytes)).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 4100));
    expect(await mc.get(key)).toBeUndefined();
    expect(await run(['set', key, 'x', '--expire', 'soon'])).toMatchObject({ code: 2 });
  });
});

describe('delete and touch', () => {
  it('delete keys, with status 1 if one was not there', async () => {
    const keys = [uniqueKey(), uniqueKey()];
    await mc.setMulti(keys.map((key) => [key, 1] as const));
    const { code, stdout } = await run(['delete', ...keys, 'no-such-key', '--json']);
    expect(code).toBe(1);
    expect(records(stdout)).toEqual([
      ...keys.map((key) => ({ key, deleted: true })),
      { key: 'no-such-key', deleted: false },
    ]);
    expect((await mc.getMulti(keys)).size).toBe(0);
    await mc.set(keys[0] as string, 1);
    expect(await run(['delete', keys[0] as string])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await run(['delete', keys[0] as string])).toMatchObject({
      code: 1,
      stderr: `${String(keys[0])}: not found\n`,
    });
  });

  it('touch keys', async () => {
    const key = uniqueKey();
    await mc.set(key, 'short', 3);
    expect(await run(['touch', '100', key])).toMatchObject({ code: 0 });
    expect(await run(['touch', '100', 'no-such-key', key])).toMatchObject({
      code: 1,
      stderr: 'no-such-key: not found\n',
    });
    await new Promise((resolve) => setTimeout(resolve, 4100));
    expect(await mc.get(key)).toBe('short');
    expect(await run(['touch', key])).toMatchObject({ code: 2 });
  });
});

describe('incr and decr', () => {
  it('write the new value, of 64 bits', async () => {
    const key = uniqueKey();
    await mc.set(key, 5);
    expect(await run(['incr', key])).toEqual({ code: 0, stdout: '6\n', stderr: '' });
    expect(await run(['decr', key, '2'])).toMatchObject({ stdout: '4\n' });
    expect(await run(['incr', key, String(2n ** 60n)])).toMatchObject({ stdout: `${String(2n ** 60n + 4n)}\n` });
    const { stdout } = await run(['incr', key, '--json']);
    expect(records(stdout)).toEqual([{ key, found: true, value: String(2n ** 60n + 5n) }]);
  });

  it('say 1 if it is not there, or create it', async () => {
    const key = uniqueKey();
    expect(await run(['incr', key])).toEqual({ code: 1, stdout: '', stderr: `${key}: not found\n` });
    expect(await run(['decr', key, '--json'])).toMatchObject({ code: 1, stdout: `{"key":"${key}","found":false}\n` });
    expect(await run(['incr', key, '1', '--initial', '10', '--expire', '60'])).toMatchObject({
      code: 0,
      stdout: '10\n',
    });
    expect(await run(['incr', key, '1', '--expire', '60'])).toMatchObject({ code: 2 });
    expect(await run(['incr', key, '-1'])).toMatchObject({ code: 2 });
  });

  it('say 3 for what is no number', async () => {
    const key = uniqueKey();
    await mc.set(key, 'text');
    expect(await run(['incr', key])).toMatchObject({ code: 3, stdout: '' });
  });
});
