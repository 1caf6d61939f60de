// Bytes of every kind, as keys and as values (rows V4 and V15): what counts is what they are, not what they say of themselves.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import vm from 'node:vm';
import { Client } from '../../lib/index';
import { failure, inEveryProtocol, stored } from '../support/clients';
import { startSilentServer, type FakeServer } from '../support/fake-servers';
import { slowness } from '../support/sanitizers';
import { uniqueKey } from '../support/unique-keys';

/** Says that it has another length than it has. */
const saying = (length: number, bytes: Uint8Array): Uint8Array =>
  Object.defineProperty(bytes, 'length', { value: length });
const throwing = (bytes: Uint8Array): Uint8Array =>
  Object.defineProperty(bytes, 'length', {
    get: () => {
      throw new Error('from a getter');
    },
  });
const subclass = (length: number, bytes: Uint8Array): Uint8Array => {
  class Liar extends Uint8Array {
    override get length(): number {
      return length;
    }
  }
  return new Liar(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
};
const copy = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const foreign = (text: string): Uint8Array =>
  vm.runInNewContext('new Uint8Array(bytes)', { bytes: [...Buffer.from(text)] }) as Uint8Array;
const shared = (text: string): Uint8Array => {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  return bytes;
};
const resizable = (length: number): ArrayBuffer => {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
  return new Resizable(length, { maxByteLength: length });
};
const detached = (): Uint8Array => {
  const bytes = copy('gone');
  structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
  return bytes;
};

const kinds: [string, (text: string) => Uint8Array][] = [
  ['a longer length of its own', (text) => saying(50_000, copy(text))],
  ['a shorter length of its own', (text) => saying(1, copy(text))],
  ['no length', (text) => saying(0, copy(text))],
  ['a length that is no number', (text) => saying('x' as never, copy(text))],
  ['a longer length of its class', (text) => subclass(50_000, copy(text))],
  ['a shorter length of its class', (text) => subclass(1, copy(text))],
  ['a Buffer with a longer length', (text) => saying(300, Buffer.from(text))],
  ['another realm', foreign],
  ['shared memory', shared],
  ['a buffer of its own', (text) => Object.defineProperty(copy(text), 'buffer', { value: new ArrayBuffer(9) })],
];

inEveryProtocol(({ server, connect, protocol }) => {
  let silent: FakeServer;
  describe.each(kinds)('bytes with %s', (_name, make) => {
    it.each(['short', 'x'.repeat(20_000)])('are stored as they are: %#', async (text) => {
      const mc = connect();
      const key = uniqueKey();
      expect(await mc.set(key, make(text))).toBe(true);
      expect((await stored(server(), key))?.bytes).toBe(text);
      expect(await mc.append(key, make('+'))).toBe(true);
      expect(await mc.prepend(key, make('+'))).toBe(true);
      expect((await stored(server(), key))?.bytes).toBe(`+${text}+`);
      expect(await mc.setMulti([[key, make(text)]])).toEqual([]);
      expect((await stored(server(), key))?.bytes).toBe(text);
      const namespace = mc.namespace(uniqueKey());
      await namespace.set('key', make(text));
      expect(String(await namespace.get('key'))).toBe(text);
    });

    it('are a key', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(make(key), 'value');
      expect(await mc.get(make(key))).toBe('value');
      expect(await mc.get(key)).toBe('value');
      const bytes = make(key);
      expect([...(await mc.getMulti([bytes]))]).toEqual([[bytes, 'value']]);
      expect([...(await mc.getMulti([key.slice(1)], { keyPrefix: make(key.slice(0, 1)) }))]).toHaveLength(1);
      expect(mc.serverFor(make(key))).toBe(server().address);
      expect(mc.explain(make(key)).digest).toBe(mc.explain(key).digest);
      const namespace = mc.namespace(uniqueKey());
      await namespace.set(make(key), 5);
      expect(await namespace.get(key)).toBe(5);
      expect(await mc.getOrSet(make(key), () => 'other')).toBe('value');
    });
  });

  it.each(['raw', 'php', 'dalli', 'memcached', 'memjs', 'structured'] as const)(
    'by the codec %s, too',
    async (codec) => {
      const mc = connect({ codec });
      const key = uniqueKey();
      for (const [, make] of kinds) {
        await mc.set(key, make('some'));
        expect((await stored(server(), key))?.bytes).toBe('some');
      }
    },
  );

  it('bytes whose memory was transferred are refused, wherever they stand', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'kept');
    const calls = [
      () => mc.set(key, detached()),
      () => mc.append(key, detached()),
      () => mc.set(detached(), 1),
      () => mc.get(detached()),
      () => mc.getMulti([key, detached()]),
      () => mc.setMulti({ [key]: 1 }, { keyPrefix: detached() }),
      () => mc.deleteMulti([key], { keyPrefix: detached() }),
      () => mc.namespace('a').deleteMulti([key], { keyPrefix: detached() }),
      () => mc.incr(detached(), 1, { initial: 1 }),
      () => mc.getOrSet(detached(), () => 1),
    ];
    for (const call of calls) expect(await failure(call())).toMatchObject({ name: 'TypeError' });
    expect(await mc.get(key)).toBe('kept');
  });

  // The keys of a multi are the caller's, who is given them back: errors have to name what may be there no longer.
  it.each<[string, (mc: Client) => void, string]>([
    ['a deadline', () => undefined, 'TimeoutError'],
    [
      'the end of the client',
      (mc) =>
        setTimeout(() => {
          mc.destroy();
        }, 20),
      'ClientClosed',
    ],
    ['a server that hangs up', () => setTimeout(() => void silent.stop(), 20), 'ConnectionError'],
  ])('keys whose memory is transferred while they are in flight: %s', async (_name, end, expected) => {
    silent = await startSilentServer();
    const mc = new Client(silent.address, { binary: protocol, timeout: 100 });
    const gone = saying(50_000, copy('key'));
    const shrunk = new Uint8Array(resizable(8), 2, 4);
    shrunk.set([97, 97, 97, 97]);
    const calls = [
      (key: Uint8Array) => mc.getMulti([key, shrunk]),
      (key: Uint8Array) => mc.incrMulti([key, shrunk]),
      (key: Uint8Array) => mc.deleteMulti([key, shrunk]),
      (key: Uint8Array) => mc.touch(key, 1),
    ].map((call) => failure(call(gone)));
    calls.push(failure(mc.getMulti([throwing(copy('key'))])));
    structuredClone(gone, { transfer: [gone.buffer as ArrayBuffer] });
    (shrunk.buffer as unknown as { resize(bytes: number): void }).resize(1);
    end(mc);
    for (const error of await Promise.all(calls)) expect(error.name).toBe(expected);
    expect(mc.metrics().pending).toBe(0);
    mc.destroy();
    await silent.stop();
  });

  it('a Proxy of bytes is none', async () => {
    const mc = connect();
    const proxy = new Proxy(copy('abc'), {});
    for (const call of [() => mc.append('key', proxy), () => mc.get(proxy), () => mc.getMulti([proxy])])
      expect(await failure(call())).toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(/bytes|Uint8Array/),
      });
  });

  it('memory that grows between calls is stored as it is then', async () => {
    const mc = connect();
    const key = uniqueKey();
    type Growable = SharedArrayBuffer & { grow(bytes: number): void };
    const Growable = SharedArrayBuffer as unknown as new (bytes: number, options: object) => Growable;
    const memory = new Growable(10, { maxByteLength: 100_000 });
    const bytes = new Uint8Array(memory);
    for (const size of [10, 5000, 20_000, 90_000]) {
      memory.grow(size);
      await mc.set(key, bytes.fill(97));
      expect((await stored(server(), key))?.bytes).toBe('a'.repeat(size));
    }
  });

  // A sanitizer's runtime ends the process where malloc returns nothing.
  (slowness === 1 ? it : it.skip)('memory that another thread grows, and memory that there is none of', async () => {
    const script = join(__dirname, 'scripts', 'memory.mjs');
    const child = spawn(process.execPath, [script, server().address, String(protocol)]);
    expect(await outputOf(child)).toEqual({ torn: 0, outOfMemory: 'AllocationError', then: true });
  });
});

/** What it prints, and nothing else. */
async function outputOf(child: ChildProcessWithoutNullStreams): Promise<unknown> {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}
