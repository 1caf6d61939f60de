import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unloadableBinaryError, missingBinaryError, thisMachine, type Machine } from '../../lib/addon/missing-binary';
import targets from '../../scripts/packages/targets.json';

const debian: Machine = {
  platform: 'linux',
  arch: 'arm64',
  libc: 'glibc 2.36',
  node: '22.1.0',
  systems: ['raspbian', 'debian'],
};
const name = 'linux-arm64-gnu';

let modules: string;
let root: string;
beforeEach(() => {
  // The folder's name has blanks: commands can be pasted all the same.
  modules = mkdtempSync(path.join(tmpdir(), 'libmemcached no binary-'));
  root = path.join(modules, 'libmemcached');
  mkdirSync(path.join(root, 'source/deps'), { recursive: true });
  writeFileSync(path.join(root, 'package.json'), '{ "name": "libmemcached" }');
  cpSync(path.join(__dirname, '../../deps/system-packages.json'), path.join(root, 'source/deps/system-packages.json'));
});
afterEach(() => {
  rmSync(modules, { recursive: true });
});

it('names the missing package, then why it may be missing, then how to build', () => {
  const error = missingBinaryError(name, root, debian);
  expect(error).toMatchObject({ code: 'ERR_MEMCACHED_NO_BINARY' });
  expect(error.message.split('\n')).toEqual([
    'libmemcached: the package @libmemcached/linux-arm64-gnu, the binary for this machine (linux-arm64, glibc 2.36, Node 22.1.0), is not installed.',
    'It comes with libmemcached as an optional dependency. Why it may be missing:',
    expect.stringContaining('--omit=optional'),
    expect.stringContaining('lock file'),
    expect.stringContaining('copied'),
    'Or build it here:',
    expect.stringMatching(/^ {2}apt-get install .*libmemcached-dev/),
    `  npx node-gyp@12 rebuild -C '${path.join(root, 'source')}'`,
    'It needs libmemcached 1.1.4 or newer. More: docs/installation.md.',
  ]);
});

it.each(['.', 'libmemcached/node_modules'])("names other systems' packages that are installed in %s", (folder) => {
  mkdirSync(path.join(modules, folder, '@libmemcached/linux-x64-gnu'), { recursive: true });
  expect(missingBinaryError(name, root, debian).message).toContain('\nThere is: @libmemcached/linux-x64-gnu\n');
});

it('speaks of building only, where no package is published', () => {
  const { message } = missingBinaryError('linux-riscv64-gnu', root, { ...debian, arch: 'riscv64' });
  expect(message).toMatch(/^libmemcached: there is no binary for linux-riscv64, glibc 2.36, Node 22.1.0. Build it:\n/);
  expect(message).not.toContain('@libmemcached/');
  expect(message).toContain('apt-get install');
});

it.each([
  [['alpine'], 'apk add'],
  [['rocky', 'rhel', 'centos', 'fedora'], 'dnf install'],
])('knows the command of %j', (systems, command) => {
  const { message } = missingBinaryError(name, root, { ...debian, systems });
  expect(message.match(/^ {2}(apt-get install|apk add|dnf install)/gm)).toEqual([`  ${command}`]);
});

it('lists all commands for a system that it does not know', () => {
  const { message } = missingBinaryError(name, root, { ...debian, systems: ['plan9'] });
  expect(message.match(/^ {2}(apt-get|apk|dnf) /gm)).toHaveLength(3);
});

it('names the bundlers where the package is not', () => {
  const { message } = missingBinaryError(name, path.join(root, 'gone'), debian);
  expect(message).toMatch(/bundled[^]*--external:libmemcached[^]*webpack[^]*serverExternalPackages/);
});

it.each([
  ['darwin', /Linux only[^]*a container/],
  ['win32', /Linux only[^]*WSL/],
])('advises no building on %s', (platform, pattern) => {
  const { message } = missingBinaryError(`${platform}-arm64`, root, { ...debian, platform, libc: '', systems: [] });
  expect(message).toMatch(pattern);
  expect(message).not.toContain('node-gyp');
});

it('says why a binary that is there cannot be loaded', () => {
  const cause = new Error('libc.so.6: version `GLIBC_2.34` not found\nmore');
  const error = unloadableBinaryError('@libmemcached/linux-x64-gnu', cause);
  expect(error).toMatchObject({ code: 'ERR_MEMCACHED_NO_BINARY', cause });
  expect(error.message).toBe(
    'libmemcached: @libmemcached/linux-x64-gnu cannot be loaded: libc.so.6: version `GLIBC_2.34` not found',
  );
});

it('knows this machine', () => {
  expect(thisMachine()).toMatchObject({
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    libc: expect.stringMatching(/^glibc 2\.|^musl$/),
  });
  expect(thisMachine().systems.length).toBeGreaterThan(0);
});

it('knows every package that is published', () => {
  const loader = readFileSync(path.join(__dirname, '../../lib/addon/binary.ts'), 'utf8');
  const loaded = [...loader.matchAll(/require\('(@libmemcached\/[\w-]+)'\)/g)].map(([, name]) => name);
  expect(loaded.sort()).toEqual(targets.map(({ name }) => `@libmemcached/${name}`).sort());
  for (const target of targets) expect(missingBinaryError(target.name).message).toContain('is not installed');
});
