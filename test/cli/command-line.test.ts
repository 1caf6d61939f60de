// What all commands share: options, servers, credentials, mistakes.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { freePort } from '../support/child-processes';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { cli, records, Terminal } from '../support/command-line';

let server: MemcachedServer;
beforeAll(async () => {
  server = await startMemcached();
});
afterAll(stopAll);

const packageJson = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
  version: string;
  bin: Record<string, string>;
};

it('is the command of the package', () => {
  expect(packageJson.bin).toEqual({ libmemcached: 'dist/cli/main.js' });
  expect(readFileSync(join(__dirname, '../../dist/cli/main.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

it('says 3, not 1, if the addon cannot be loaded', () => {
  const root = join(__dirname, '../..');
  const copy = mkdtempSync(join(tmpdir(), 'libmemcached-broken-'));
  try {
    cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(copy, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'dist/cli/main.js'), 'get', 'a']);
    expect({ status, stderr: String(stderr) }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/^error: .*binary/),
    });
  } finally {
    rmSync(copy, { recursive: true });
  }
});

describe('help', () => {
  it('tells the commands and the exit statuses, with status 0', async () => {
    const { code, stdout } = await cli(['--help']);
    expect(code).toBe(0);
    for (const name of [
      'get',
      'set',
      'delete',
      'incr',
      'touch',
      'stats',
      'watch',
      'ping',
      'explain',
      'flush',
      'bench',
      'repl',
    ])
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toMatch(/Exit status: 0/);
    expect(await cli(['get', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--servers') });
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});

describe('mistakes', () => {
  it.each([
    [[]],
    [['nonsense']],
    [['get']],
    [['get', 'a', '--nonsense']],
    [['get', 'a', '--servers', '']],
    [['get', 'a', '--servers', 'host:port']],
    [['get', 'a', '--servers', '127.0.0.1,/tmp/x.sock']],
    [['get', 'a', '--protocol', 'text']],
    [['get', 'a', '--timeout', '0']],
    [['get', 'a', '--behavior', 'nonsense']],
    [['get', 'a', '--behavior', 'nonsense=1']],
    [['get', 'a', '--behavior', 'distribution=nonsense']],
    [['get', 'a'.repeat(251)]],
    [['get', 'a b']],
    [['get', 'a', 'b', '--raw']],
    [['watch', '--interval', 'fast']],
    [['bench', '--workload', 'nonsense']],
    [['bench', '--keys', '1.5']],
  ])('are told, with status 2: %j', async (args) => {
    const { code, stdout, stderr } = await cli(args, { env: { MEMCACHED_SERVERS: server.address } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/^ +at /m); // no stack
  });
});

describe('servers', () => {
  it('come from --servers before MEMCACHED_SERVERS', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const key = uniqueKey();
    const env = { MEMCACHED_SERVERS: nobody };
    expect(await cli(['set', key, 'x', '--servers', server.address], { env })).toMatchObject({ code: 0 });
    expect(await cli(['--servers', server.address, 'get', key], { env })).toMatchObject({ stdout: 'x\n' });
    const { code, stderr } = await cli(['get', key, '--json'], { env });
    expect(code).toBe(3);
    expect(records(stderr)).toMatchObject([{ error: { code: 'ERR_MEMCACHED_CONNECTION', server: nobody } }]);
  });

  it('can be Unix sockets', async () => {
    const local = await startMemcached({ transport: 'unix' });
    expect(await cli(['set', 'a', 'b', '-s', local.address])).toMatchObject({ code: 0 });
    expect(await cli(['ping', '-s', local.address])).toMatchObject({ code: 0 });
  });

  it('are waited for as long as --timeout says, with status 3', async () => {
    const hanging = await startMemcached();
    hanging.suspend();
    const { code, stderr } = await cli(['get', 'a', '-s', hanging.address, '--timeout', '200']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: get/);
    hanging.resume();
  });

  it('are spoken to in the protocol that is wanted', async () => {
    const text = await startMemcached({ protocol: 'ascii' });
    expect(await cli(['set', 'a', 'b', '-s', text.address])).toMatchObject({ code: 0 });
    expect(await cli(['set', 'a', 'b', '-s', text.address, '--binary'])).toMatchObject({ code: 3 });
    const binary = await startMemcached({ protocol: 'binary' });
    expect(await cli(['set', 'a b', 'c', '-s', binary.address, '--binary'])).toMatchObject({ code: 0 });
    expect(await cli(['get', 'a b', '-s', binary.address])).toMatchObject({ code: 2 });
  });
});

describe('SASL', () => {
  let guarded: MemcachedServer;
  beforeAll(async () => {
    guarded = await startMemcached({ sasl: { users: { alice: 'secret' } } });
  });

  it('takes the password from MEMCACHED_PASSWORD', async () => {
    const args = ['set', 'a', 'b', '-s', guarded.address];
    const env = { MEMCACHED_PASSWORD: 'secret' };
    expect(await cli([...args, '--username', 'alice'], { env })).toMatchObject({ code: 0 });
    expect(await cli(args, { env: { ...env, MEMCACHED_USERNAME: 'alice' } })).toMatchObject({ code: 0 });
    expect(await cli([...args, '-u', 'bob'], { env })).toMatchObject({ code: 3 });
    expect(await cli(args)).toMatchObject({ code: 3 });
    expect(await cli([...args, '-u', 'alice'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MEMCACHED_PASSWORD'),
    });
  });

  it('asks for the password on a terminal, and does not show it', async () => {
    const terminal = new Terminal(['set', 'asked', 'yes', '-s', guarded.address, '-u', 'alice']);
    await terminal.shows(/Password for alice: /);
    terminal.type('secret\r');
    expect(await terminal.status()).toBe(0);
    expect(terminal.raw).not.toContain('secret');
    const mc = new Client(guarded.address, { username: 'alice', password: 'secret' });
    expect(await mc.get('asked')).toBe('yes');
    await mc.close();
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('does nothing if the password is not given (%s)', async (_name, ending) => {
    const terminal = new Terminal(['flush', '--yes', '-s', guarded.address, '-u', 'alice']);
    await terminal.shows(/Password/);
    terminal.type(ending);
    expect(await terminal.status()).toBe(2);
    expect(terminal.raw).toContain('no password was given');
    expect(terminal.raw).not.toContain('    at ');
  });
});
