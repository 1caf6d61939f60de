// Programs that have changed what everybody shares: members of Object.prototype, frozen prototypes, values of other realms
// (row V15). Each in a process of its own.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import vm from 'node:vm';
import { inEveryProtocol } from '../support/clients';
import { sanitizerEnvironment } from '../support/sanitizers';
import { uniqueKey } from '../support/unique-keys';

const script = join(__dirname, 'scripts', 'odd-realms.mjs');

inEveryProtocol(({ server, connect, protocol }) => {
  it.each([
    ['members of Object.prototype that are enumerable', 'polluted', []],
    ['frozen prototypes, before it is loaded', 'frozen-first', []],
    ['frozen prototypes, when it is in use', 'frozen-later', []],
    ['--frozen-intrinsics', 'plain', ['--frozen-intrinsics']],
    ['--disable-proto=delete', 'plain', ['--disable-proto=delete']],
  ])('%s', async (_name, what, flags) => {
    const child = spawn(process.execPath, [...flags, script, server().address, String(protocol), what], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...sanitizerEnvironment },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(stderr.replace(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, '')).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      results: [true, 1, 'value', 3, { a: 1 }, [], 'loaded', true],
      errors: ['NotFound', 'TimeoutError', 'BadKeyProvided', 'ClientClosed', 'DeserializationError'],
    });
  });

  it('arguments of another realm', async () => {
    const mc = connect();
    const inRealm = (code: string): never => vm.runInNewContext(code) as never;
    const key = uniqueKey();
    await mc.set(key, inRealm('new Uint8Array([97, 98])'), inRealm('new Date(Date.now() + 100000)'));
    expect(String(await mc.get(key))).toBe('ab');
    expect(await mc.setMulti(inRealm(`new Map([["${key}", { a: [1] }]])`), inRealm('({ time: 100 })'))).toEqual([]);
    expect(await mc.get(key)).toEqual({ a: [1] });
    expect(await mc.getMulti(inRealm(`new Set(["${key}"])`))).toEqual(new Map([[key, { a: [1] }]]));
    await mc.set(key, inRealm('new ArrayBuffer(3)'));
    expect(await mc.get(key)).toEqual(Buffer.alloc(3));
    await expect(mc.set(key, inRealm('new Map()'))).rejects.toThrow(/Map/);
    await expect(mc.getMulti(inRealm('new Map()'))).rejects.toThrow(/getMulti/);
    const foreign = inRealm('({ aborted: false, addEventListener() {}, removeEventListener() {} })');
    expect(await mc.get(key, undefined, { signal: foreign })).toEqual(Buffer.alloc(3));
  });
});
