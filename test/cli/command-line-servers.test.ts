// stats, ping, explain, flush, watch: what they tell about servers, also of those that are down.

import { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { freePort } from '../support/child-processes';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { cli, records, rows, Terminal } from '../support/command-line';

let servers: MemcachedServer[];
let both: string;
let mc: Client;
let nobody: string;
beforeAll(async () => {
  servers = [await startMemcached(), await startMemcached({ memoryMb: 32 })];
  both = servers.map(({ address }) => address).join(',');
  mc = new Client(servers.map(({ address }) => address));
  nobody = `127.0.0.1:${await freePort()}`;
});
afterAll(async () => {
  await mc.close();
  await stopAll();
});

describe('ping', () => {
  it('tells the version and the time of each server', async () => {
    const { code, stdout } = await cli(['ping', '-s', both]);
    expect(code).toBe(0);
    expect(rows(stdout)).toEqual(
      servers.map(({ address }): unknown[] => [
        address,
        expect.stringMatching(/^1\./),
        expect.stringMatching(/^\d+\.\d+$/),
      ]),
    );
  });

  it('says 3 if one is down, and tells of the others', async () => {
    const { code, stdout } = await cli(['ping', '--servers', `${nobody},${both}`, '--json']);
    expect(code).toBe(3);
    expect(records(stdout)).toHaveLength(3);
    expect(records(stdout)).toContainEqual(
      expect.objectContaining({
        server: nobody,
        up: false,
        error: expect.objectContaining({ name: 'ConnectionError' }),
      }),
    );
  });

  it('is laid out on a terminal, in colours that NO_COLOR turns off', async () => {
    const coloured = new Terminal(['ping', '-s', both]);
    expect(await coloured.status()).toBe(0);
    expect(coloured.text).toMatch(/^SERVER +VERSION +TIME\n127\.0\.0\.1:\d+ +1\.\S+ +\S+ ms\n/);
    expect(coloured.raw).toContain('\x1b[1m');
    const plain = new Terminal(['ping', '-s', both], { NO_COLOR: '1' });
    await plain.status();
    expect(plain.raw).not.toContain('\x1b');
    expect(plain.text).toMatch(/^SERVER/);
  });
});

describe('stats', () => {
  it('writes a line for each, or a JSON object a server', async () => {
    const { code, stdout } = await cli(['stats', '-s', both]);
    expect(code).toBe(0);
    expect(rows(stdout)).toContainEqual([servers[1]?.address, 'limit_maxbytes', String(32 << 20)]);
    const json = await cli(['stats', '-s', both, '-j']);
    expect(records(json.stdout)).toEqual(
      servers.map(({ address }): unknown =>
        expect.objectContaining({ server: address, up: true, stats: expect.objectContaining({ threads: '4' }) }),
      ),
    );
  });

  it('takes a group; 2 for one that does not exist', async () => {
    const { stdout } = await cli(['stats', 'settings', '-s', both]);
    expect(rows(stdout)).toContainEqual([servers[0]?.address, 'maxconns', '1024']);
    expect(await cli(['stats', 'nonsense', '-s', both])).toMatchObject({ code: 2 });
  });

  it('says 3 if one is down, and still tells of the others', async () => {
    const { code, stdout, stderr } = await cli(['stats', '-s', `${both},${nobody}`]);
    expect(code).toBe(3);
    expect(rows(stdout).length).toBeGreaterThan(100);
    expect(stderr).toContain(nobody);
  });

  it('is grouped on a terminal', async () => {
    const terminal = new Terminal(['stats', '-s', both]);
    expect(await terminal.status()).toBe(0);
    for (const title of ['Server', 'Memory', 'Items', 'Operations', 'Connections', 'Network'])
      expect(terminal.text).toMatch(new RegExp(`^${title} .*${String(servers[0]?.address)}`, 'm'));
    expect(terminal.text).toMatch(/^limit_maxbytes +64\.0 MiB +32\.0 MiB$/m);
    expect(terminal.text).toMatch(/^hit rate /m);
    expect(terminal.text).not.toMatch(/^Other/m);
  });
});

describe('explain', () => {
  it('tells what the client says, and whether the key is there', async () => {
    const ketama = new Client(
      servers.map(({ address }) => address),
      { behaviors: { ketama: true, namespace: 'shop:' } },
    );
    const [there, missing] = [uniqueKey(), uniqueKey()];
    await ketama.set(there, 1);
    const behaviors = ['-b', 'ketama=true', '--behavior', 'namespace=shop:'];
    const { code, stdout } = await cli(['explain', there, missing, '-s', both, '--json', ...behaviors]);
    expect(code).toBe(0);
    expect(records(stdout)).toEqual(
      [there, missing].map((key) => {
        const { digest, hash, server } = ketama.explain(key);
        const found = key === there;
        return { key, wireKey: `shop:${key}`, digest, hash, server, serverState: 'up', found };
      }),
    );
    await ketama.close();
  });

  it('tells that a server is down, and where its keys go', async () => {
    const down = await cli(['explain', 'key', '-s', nobody, '--json']);
    expect(down.code).toBe(3);
    expect(records(down.stdout)).toMatchObject([{ server: nobody, serverState: 'down', found: null }]);
    const keys = Array.from({ length: 20 }, () => uniqueKey());
    const ejecting = ['-b', 'ketama=true', '-b', 'remove_failed=1', '-b', 'dead_timeout=60'];
    const { stdout } = await cli([
      'explain',
      ...keys,
      '-s',
      `${String(servers[0]?.address)},${nobody}`,
      '-j',
      ...ejecting,
    ]);
    expect(records(stdout)).toContainEqual(
      expect.objectContaining({ server: nobody, serverState: 'dead', insteadOnServer: servers[0]?.address }),
    );
  });

  it('is a list on a terminal', async () => {
    const terminal = new Terminal(['explain', 'a', '-s', both]);
    expect(await terminal.status()).toBe(0);
    expect(terminal.text).toMatch(/^wire key +"a" \(1 of 250 bytes\)$/m);
    expect(terminal.text).toMatch(/^server state +up$/m);
    expect(terminal.text).toMatch(/^found +no$/m);
  });
});

describe('flush', () => {
  it('does nothing unasked: 2 without a terminal, 1 for a no', async () => {
    const key = uniqueKey();
    await mc.set(key, 'kept');
    expect(await cli(['flush', '-s', both])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    const terminal = new Terminal(['flush', '-s', both]);
    await terminal.shows(/Delete everything on .*\[y\/N\]/);
    terminal.type('n\r');
    expect(await terminal.status()).toBe(1);
    expect(await mc.get(key)).toBe('kept');
  });

  it('empties all with --yes, or a yes', async () => {
    await mc.setMulti({ a: 1, b: 2, c: 3, d: 4 });
    const { code, stdout } = await cli(['flush', '--yes', '-s', both, '--json']);
    expect(code).toBe(0);
    expect(records(stdout)).toEqual(servers.map(({ address }) => ({ server: address, up: true, flushed: true })));
    expect((await mc.getMulti(['a', 'b', 'c', 'd'])).size).toBe(0);
    await mc.set('a', 1);
    const terminal = new Terminal(['flush', '-s', both]);
    await terminal.shows(/\[y\/N\]/);
    terminal.type('y\r');
    expect(await terminal.status()).toBe(0);
    expect(await mc.get('a')).toBeUndefined();
  });

  it('says 3 if one is down', async () => {
    expect(await cli(['flush', '-y', '-s', `${both},${nobody}`])).toMatchObject({ code: 3 });
  });
});

describe('watch', () => {
  it('writes lines for programs: rates from the second look on', async () => {
    const { code, stdout } = await cli(['watch', '-s', both, '-n', '3', '-i', '0.1', '--json']);
    expect(code).toBe(0);
    const looks = records(stdout);
    expect(looks).toHaveLength(6);
    expect(looks.map(({ operationsPerSecond }) => operationsPerSecond)).toEqual([null, null, 0, 0, 0, 0]);
    expect(looks[5]).toMatchObject({ server: servers[1]?.address, up: true, limitBytes: 32 << 20, evictions: 0 });
    const plain = await cli(['watch', '-s', both, '-n', '1']);
    expect(rows(plain.stdout)).toEqual(
      servers.map(({ address }): unknown[] => [
        expect.stringMatching(/^\d{4}-.*Z$/),
        address,
        ...Array(10).fill(expect.anything()),
      ]),
    );
  });

  it('counts what happens in between', async () => {
    const server = servers[0]?.address as string;
    const own = new Client(server);
    const key = uniqueKey();
    await own.set(key, 1);
    let looks = 0;
    let work = Promise.resolve<unknown>(undefined);
    const { stdout } = await cli(['watch', '-s', server, '-n', '2', '-i', '0.5', '-j'], {
      onOutput: () => {
        if (looks++ === 0)
          work = Promise.all(
            Array.from({ length: 100 }, (_, index) => own.get(index < 75 ? key : `no-${String(index)}`)),
          );
      },
    });
    await work;
    await own.close();
    const last = records(stdout).at(-1);
    // Gets of one key may be one get.
    expect(last?.getsPerSecond).toBeGreaterThan(0);
    expect(last?.operationsPerSecond).toBeGreaterThanOrEqual(Number(last?.getsPerSecond));
    expect(last?.hitRate).toBeGreaterThan(0);
    expect(last?.hitRate).toBeLessThan(1);
  });

  it('redraws a table on a terminal until q is typed', async () => {
    const terminal = new Terminal(['watch', '-s', both, '-i', '0.2']);
    await terminal.shows(/2 servers, all up[\s\S]*HIT RATE[\s\S]*all .*\n[\s\S]*2 servers, all up[\s\S]*all .*\n/);
    expect(terminal.raw).toContain('\x1b[?25l'); // the cursor is hidden
    expect(terminal.raw.replaceAll('\x1b', 'ESC')).toMatch(/ESC\[\d+A/); // up, to draw over the last frame
    terminal.type('q');
    expect(await terminal.status()).toBe(0);
    expect(terminal.raw.lastIndexOf('\x1b[?25h')).toBeGreaterThan(terminal.raw.lastIndexOf('\x1b[?25l'));
  });

  it('shows a server that goes and comes back, and ends with Ctrl-C', async () => {
    const server = await startMemcached();
    const terminal = new Terminal(['watch', '-s', `${String(servers[0]?.address)},${server.address}`, '-i', '0.2']);
    await terminal.shows(/all up/);
    await server.kill();
    await terminal.shows(/1 down[\s\S]*connection failed/);
    const seen = terminal.text.length;
    await server.restart();
    await terminal.shows(/all up/, seen);
    terminal.type('\x03');
    expect(await terminal.status()).toBe(0);
  });

  it('says 3 if a server is down at the end, and does not wait for one that hangs', async () => {
    const server = await startMemcached();
    server.suspend();
    const { code, stdout } = await cli(['watch', '-s', `${both},${server.address}`, '-n', '3', '-i', '0.2', '-j']);
    expect(code).toBe(3);
    expect(records(stdout).filter(({ up }) => up === false)).toHaveLength(3);
    expect(records(stdout).filter(({ up }) => up === true)).toHaveLength(6);
    server.resume();
  });

  it('ends quietly when nobody reads any more', async () => {
    const { code, stderr } = await cli(['watch', '-s', both, '-i', '0.1'], {
      onOutput: (_text, child) => {
        child.stdout.destroy();
      },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
