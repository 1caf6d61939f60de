// A name with several addresses, of which the server listens on one (row C1): each is tried, and those that were passed over
// are no failure. Names come from a file that is mounted over /etc/hosts, for one child process only.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawCommand } from '../support/raw-command';
import { startFullBacklog } from '../support/full-backlog';
import { sanitizerEnvironment, slowness } from '../support/sanitizers';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import '../support/wall-clock';

const unshare = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
const isPossible = spawnSync('unshare', [...unshare, 'true']).status === 0;
/** "files" alone are asked, and all their lines are. */
const mount = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';

let folder: string;
let server: MemcachedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'names-test-'));
  server = await startMemcached();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stopAll();
});

interface Report {
  outcomes: string[];
  milliseconds: number;
  state: string;
}

function withAddresses(addresses: readonly string[], binary: boolean, options = {}): Promise<Report> {
  return run<Report>('names', addresses, [String(binary), JSON.stringify({ timeout: 3000, ...options })]);
}

/** Runs the script where the name "twofold" has these addresses. */
async function run<Result>(name: string, addresses: readonly string[], args: readonly string[]): Promise<Result> {
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, ['127.0.0.1 localhost', ...addresses.map((each) => `${each} twofold`), ''].join('\n'));
  const target = `twofold:${String(server.port)}`;
  const node = [process.execPath, join(__dirname, 'scripts', `${name}.mjs`), target, ...args];
  const child = spawn('unshare', [...unshare, 'sh', '-c', mount, 'sh', hosts, ...node], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...sanitizerEnvironment },
  });
  let [output, complaint] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  await new Promise((resolve) => child.once('close', resolve));
  expect(complaint).toBe('');
  return JSON.parse(output) as Result;
}

const allRight = { outcomes: ['true', '42', '42', '1', 'undefined', 'true'], state: 'up' };

(isPossible ? describe : describe.skip).each([false, true])('binary: %s', (binary) => {
  it.each([
    ['the second', ['::1', '127.0.0.1']],
    ['the third', ['::1', '127.0.0.3', '127.0.0.1']],
    ['the first', ['127.0.0.1', '127.0.0.3']],
    ['the only one that is of this machine', ['127.0.0.1', '::1', '127.77.0.1', '127.77.0.2']],
  ])('it listens on %s', async (_name, addresses) => {
    expect(await withAddresses(addresses, binary)).toMatchObject(allRight);
  });

  it('a first address that is silent costs connect_timeout, not the operation', async () => {
    const silent = await startFullBacklog('::1', server.port);
    const report = await withAddresses(['::1', '127.0.0.1'], binary, { behaviors: { connect_timeout: 300 } });
    silent.stop();
    expect(report).toMatchObject(allRight);
    expect(report.milliseconds).toBeGreaterThan(250);
    expect(report.milliseconds).toBeLessThan(300 + 700 * slowness);
  });

  it('nor does it where connect_timeout is longer than the operation has time', async () => {
    const silent = await startFullBacklog('::1', server.port);
    const report = await withAddresses(['::1', '127.0.0.1'], binary, {
      timeout: 1000,
      behaviors: { connect_timeout: 4000 },
    });
    silent.stop();
    expect(report).toMatchObject(allRight);
    expect(report.milliseconds).toBeLessThan(1000);
  });

  it('none of them: a ConnectionError, soon', async () => {
    const { outcomes, state } = await withAddresses(['::1', '127.0.0.3'], binary);
    expect(outcomes[0]).toMatch(/^ConnectionError: /);
    expect(state).not.toBe('probing');
  });
});

(isPossible ? it : it.skip)('a name that moves is followed at the next connect', async () => {
  const other = await startMemcached();
  await rawCommand(server, 'set where 0 0 3\r\nold\r\n');
  await rawCommand(other, 'set where 0 0 3\r\nnew\r\n');
  const forwarder = createServer((socket) => {
    socket.pipe(createConnection(other.port, other.host)).pipe(socket);
    socket.on('error', () => undefined); // the client may hang up at any time
  }).unref();
  await new Promise<void>((resolve) => forwarder.listen(server.port, '127.0.0.3', resolve));
  const seen = await run('moved-name', ['127.0.0.1'], []);
  forwarder.close();
  expect(seen).toEqual(['old', 'old', 'new']);
});
