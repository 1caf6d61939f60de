import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { cli, Terminal } from '../support/command-line';

let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached();
});
afterAll(stopAll);

const env = (): Record<string, string> => ({ MEMCACHED_SERVERS: server.address });

describe('a script on standard input', () => {
  it('is evaluated line by line, each after what the last one awaited', async () => {
    const input = `await mc.set('a', { n: 1 })
const a = await mc.get('a');
a.n + 1
function twice(x) {
  return 2 * x;
}

twice(a.n)
mc.serverFor('a')
mc instanceof libmemcached.Client`;
    const { code, stdout, stderr } = await cli(['repl'], { input, env: env() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`true\n2\n2\n'${server.address}'\ntrue\n`);
  });

  it.each(["await mc.incr('no-such-key')", "throw new Error('no-such-key')"])('says 3 after: %s', async (line) => {
    const { code, stdout } = await cli(['repl'], { input: `${line}\n1 + 1\n`, env: env() });
    expect(code).toBe(3);
    expect(stdout).toMatch(/Uncaught[\s\S]*no-such-key[\s\S]*\n2\n$/);
  });

  it('can be empty', async () => {
    expect(await cli(['repl'], { env: env() })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('on a terminal', () => {
  it('has mc ready, awaits, and completes', async () => {
    const terminal = new Terminal(['repl'], env());
    await terminal.shows(/mc is a client for 127\.0\.0\.1:\d+[\s\S]*mc> /);
    terminal.type("await mc.set('typed', [1, 2])\r");
    await terminal.shows(/true\n/);
    terminal.type("await mc.get('typed')\r");
    await terminal.shows(/\[ 1, 2 \]/);
    terminal.type('mc.getM\t');
    await terminal.shows(/mc\.getMulti/);
    terminal.type('\x15mc.incr');
    const tabs = setInterval(() => {
      terminal.type('\t');
    }, 100);
    await terminal.shows(/mc\.incr +mc\.incrMulti/);
    clearInterval(tabs);
    terminal.type('\x15libmemcached.codecs.struct\t');
    await terminal.shows(/libmemcached\.codecs\.structured/);
    terminal.type('\x15.exit\r');
    expect(await terminal.status()).toBe(0);
  });

  it('keeps its history for its owner only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libmemcached-history-'));
    try {
      const file = join(folder, 'history');
      const terminal = new Terminal(['repl'], { ...env(), LIBMEMCACHED_HISTORY: file });
      await terminal.shows(/mc> /);
      terminal.type('6 * 7\r');
      await terminal.shows(/42\n/);
      terminal.type('.exit\r');
      expect(await terminal.status()).toBe(0);
      expect(readFileSync(file, 'utf8')).toContain('6 * 7');
      expect(statSync(file).mode & 0o077).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
