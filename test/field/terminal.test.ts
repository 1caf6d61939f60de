// What the command shows of servers, keys and values commands no terminal (row V17); and it ends with one line and the status
// for errors where its output or its input cannot be used (row V18).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codecs, Client } from '../../lib/index';
import { cli, records, Terminal } from '../support/command-line';
import { store } from '../support/clients';
import { startFake } from '../support/fake-memcached';
import type { FakeServer } from '../support/fake-servers';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';

/** Sets the title, clears the screen, and begins with the one-character CSI. */
const escapes = '\x1b]0;owned\x07\x1b[2J\u009b31m\u202e';
/** What no terminal must get; our own colours come with --json or a pipe from nowhere. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const commanding = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/;

let memcached: MemcachedServer;
let hostile: FakeServer;
beforeAll(async () => {
  memcached = await startMemcached();
  hostile = await startFake(({ line }) => {
    if (line.startsWith('stats')) return `STAT name${escapes} value${escapes}\r\nSTAT version ${escapes}\r\nEND\r\n`;
    if (line.startsWith('version')) return undefined;
    return `SERVER_ERROR ${escapes}\r\n`;
  });
});
afterAll(async () => {
  await hostile.stop();
  await stopAll();
});

describe('text from a server', () => {
  const commands = [
    ['get', 'key'],
    ['set', 'key', 'value'],
    ['delete', 'key'],
    ['incr', 'key'],
    ['touch', '5', 'key'],
    ['stats'],
    ['stats', 'items'],
    ['explain', 'key'],
    ['flush', '--yes'],
    ['watch', '-n', '1'],
  ];
  it.each(commands)('%s %s', async (...args) => {
    for (const format of [[], ['--json']]) {
      const { stdout, stderr } = await cli([...args.filter(Boolean), ...format, '-s', hostile.address]);
      expect(stdout + stderr).not.toMatch(commanding);
      expect(stdout + stderr).not.toBe('');
    }
  });

  it('on a terminal: escaped, so that it can be read', async () => {
    const terminal = new Terminal(['get', 'key', '-s', hostile.address]);
    expect(await terminal.status()).toBe(3);
    expect(terminal.raw).not.toMatch(/\x1b\]0|\x1b\[2J|\u009b|\u202e/); // eslint-disable-line no-control-regex
    expect(terminal.text).toMatch(/\\(x1b|u001b)\]0;owned/);
    const stats = new Terminal(['stats', '-s', hostile.address]);
    await stats.status();
    expect(stats.raw).not.toMatch(/\x1b\]0|\x1b\[2J|\u009b|\u202e/); // eslint-disable-line no-control-regex
    expect(stats.text).toContain('\\x1b[2J');
  });

  it('in errors of the client, as a prompt or a log would show them', async () => {
    const mc = new Client(hostile.address);
    const error = await mc.get('key').catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).not.toMatch(commanding);
    expect((error as Error).message).toContain('owned');
    mc.destroy();
  });

  it('--json says it without loss', async () => {
    const { stdout } = await cli(['stats', '--json', '-s', hostile.address]);
    expect(records(stdout)[0]).toMatchObject({ stats: { version: escapes } });
  });
});

it('keys and values on a terminal', async () => {
  await store(memcached, 'value', escapes, 16);
  const terminal = new Terminal(['get', 'value', `missing\u009b2J`, '-s', memcached.address, '--binary']);
  expect(await terminal.status()).toBe(1);
  expect(terminal.raw).not.toMatch(/\x1b\]0|\x1b\[2J|\u009b|\u202e/); // eslint-disable-line no-control-regex
  expect(terminal.text).toMatch(/\\(x1b|u001b)\]0;owned/);
});

it.each([
  ['a command', [escapes]],
  ['an option', ['get', 'key', `--${escapes}`]],
  ['a number', ['get', 'key', '--timeout', escapes]],
  ['a server', ['get', 'key', '--servers', escapes]],
  ['a behavior', ['get', 'key', '--behavior', escapes]],
])('mistakes that quote %s', async (_name, args) => {
  const { code, stdout, stderr } = await cli(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toMatch(commanding);
  expect(stderr).toContain('owned');
});

describe('values of codecs.structured', () => {
  it('are read only if that is asked for', async () => {
    const [data, flags] = codecs.structured.serialize(new Map([['a', 1]]));
    await store(memcached, 'structured', data, flags);
    const unasked = await cli(['get', 'structured', '-s', memcached.address]);
    expect(unasked).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^error: .*--structured.*\n$/),
    });
    const asked = await cli(['get', '--structured', 'structured', '-s', memcached.address]);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/Map/) });
  });
});

describe('input and output', () => {
  const main = join(__dirname, '../../dist/cli/main.js');
  const run = (args: string[], stdio: [number | 'pipe', number | 'pipe', number | 'pipe']) =>
    spawnSync(process.execPath, [main, ...args, '-s', memcached.address], { encoding: 'utf8', stdio, timeout: 10_000 });

  it.each([
    [['get', 'full']],
    [['get', 'full', '--raw']],
    [['get', 'full', '--json']],
    [['stats']],
    [['ping']],
    [['--help']],
  ])('%j > /dev/full', async (args) => {
    await store(memcached, 'full', 'x'.repeat(100_000), 16);
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = run(args, ['pipe', full, 'pipe']);
    closeSync(full);
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringMatching(/^error: .*ENOSPC.*\n$/) });
  });

  it.each([[['get', 'nothing']], [['nonsense']]])('%j 2> /dev/full', (args) => {
    const full = openSync('/dev/full', 'w');
    const { status } = run(args, ['pipe', 'pipe', full]);
    closeSync(full);
    expect(status).toBe(3);
  });

  it.each([[['set', 'kept']], [['set', 'kept', '--add']], [['repl']]])('%j < a directory', async (args) => {
    await store(memcached, 'kept', 'kept', 16);
    const folder = mkdtempSync(join(tmpdir(), 'input-test-'));
    const directory = openSync(folder, 'r');
    const { status, stderr } = run(args, [directory, 'pipe', 'pipe']);
    closeSync(directory);
    rmSync(folder, { recursive: true });
    expect({ status, stderr }).toEqual({ status: 3, stderr: 'error: standard input is a directory\n' });
    expect((await cli(['get', 'kept', '-s', memcached.address])).stdout).toBe('kept\n');
  });

  it('set < what cannot be read', () => {
    const write = openSync('/dev/null', 'w');
    const { status, stderr } = run(['set', 'kept'], [write, 'pipe', 'pipe']);
    closeSync(write);
    expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 3, lines: 2 });
  });
});
