import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { missingBinaryError, thisMachine, type Machine } from '../../lib/addon/missing-binary';

const debian: Machine = {
  platform: 'linux',
  arch: 'arm64',
  libc: 'glibc 2.36',
  node: '22.1.0',
  systems: ['raspbian', 'debian'],
};

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'libmemcached no binary-'));
  folder = path.join(root, 'native');
  for (const name of ['linux-x64/glibc', 'darwin-arm64'])
    mkdirSync(path.join(folder, 'prebuilds', name), { recursive: true });
  for (const name of ['linux-x64/libmemcached.glibc.node', 'linux-x64/libmemcached.musl.node'])
    writeFileSync(path.join(folder, 'prebuilds', name), '');
  writeFileSync(path.join(folder, 'prebuilds/darwin-arm64/libmemcached.node'), '');
  mkdirSync(path.join(root, 'deps'));
  cpSync(path.join(__dirname, '../../deps/system-packages.json'), path.join(root, 'deps/system-packages.json'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

it('says what was looked for, where, and the commands that help, in order', () => {
  const cause = new Error('No native build was found');
  const error = missingBinaryError(folder, cause, debian);
  expect(error).toMatchObject({ code: 'ERR_MEMCACHED_NO_BINARY', cause });
  expect(error.message.split('\n')).toEqual([
    'libmemcached: there is no binary for linux-arm64, glibc 2.36, Node 22.1.0.',
    `Looked in: ${folder}`,
    '  build/Release, build/Debug   built on this machine',
    '  prebuilds                    there: darwin-arm64, linux-x64 (glibc), linux-x64 (musl)',
    '',
    'If node_modules was copied from another system, install it again on this one. Otherwise build the addon here:',
    expect.stringMatching(/^ {2}apt-get install .*libmemcached-dev/),
    // The folder's name has blanks: it can be pasted all the same.
    `  npx node-gyp@12 rebuild -C '${folder}'`,
    'It needs libmemcached 1.1.4 or newer. More: "Building from source" in the README.',
  ]);
});

it('says why a binary that is there cannot be loaded', () => {
  const cause = Object.assign(new Error('libc.so.6: version `GLIBC_2.34` not found\nmore'), {
    code: 'ERR_DLOPEN_FAILED',
  });
  const [first] = missingBinaryError(folder, cause, debian).message.split('\n');
  expect(first).toBe(
    'libmemcached: the binary for linux-arm64, glibc 2.36, Node 22.1.0 cannot be loaded: libc.so.6: version `GLIBC_2.34` not found',
  );
});

it.each([
  [['alpine'], 'apk add'],
  [['rocky', 'rhel', 'centos', 'fedora'], 'dnf install'],
  [['darwin'], 'brew install'],
])('knows the command of %j', (systems, command) => {
  const { message } = missingBinaryError(folder, new Error(), { ...debian, systems });
  expect(message.match(/^ {2}(apt-get install|apk add|dnf install|brew install)/gm)).toEqual([`  ${command}`]);
});

it('lists all commands for a system that it does not know', () => {
  const { message } = missingBinaryError(folder, new Error(), { ...debian, systems: ['plan9'] });
  expect(message.match(/^ {2}(apt-get|apk|dnf|brew) /gm)).toHaveLength(4);
});

it('names the bundler when the folder is not there, and WSL on Windows', () => {
  const gone = path.join(root, 'gone');
  expect(missingBinaryError(gone, new Error(), debian).message).toContain('mark libmemcached as external');
  const { message } = missingBinaryError(folder, new Error(), {
    ...debian,
    platform: 'win32',
    libc: '',
    systems: ['win32'],
  });
  expect(message).toContain('WSL');
  expect(message).not.toContain('node-gyp');
});

it('knows this machine', () => {
  expect(thisMachine()).toMatchObject({
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    libc: process.platform === 'linux' ? expect.stringMatching(/^glibc 2\.|^musl$/) : '',
  });
  expect(thisMachine().systems.length).toBeGreaterThan(0);
});
