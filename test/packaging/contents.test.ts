// What is in the tarball that npm publishes: all that is needed, and nothing else.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../..');

interface Packed {
  files: { path: string; size: number; mode: number }[];
  integrity: string;
}

function pack(): Packed {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // A list up to npm 11, an object by name from npm 12.
  const [packed] = Object.values(JSON.parse(output) as Record<string, Packed>);
  return packed as Packed;
}

const packed = pack();
const files = packed.files.map((file) => file.path);
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>;

/** Every string in a nest of objects: the targets of "exports" and "bin". */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(strings);
}

function inFolder(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

it('holds nothing but what a user needs', () => {
  const expected = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|UPGRADING\.md)$/,
    // The compiled library, and its source for the source maps.
    /^dist\/[\w./-]+\.(js|mjs|d\.ts|d\.mts)(\.map)?$/,
    /^lib\/[\w./-]+\.m?ts$/,
    /^(docs|examples)\/[\w./-]+$/,
    // To build the addon from source.
    /^native\/(binding|core|memcached|transport)\/\w+\.(cc|h)$/,
    /^(deps\/locate\.js|deps\/system-packages\.json)$/,
    // Prebuilt binaries, and the licences of what they bring along.
    /^prebuilds\/(linux|darwin)-(x64|arm64)\/libmemcached(\.glibc|\.musl)?\.node$/,
    /^prebuilds\/(linux|darwin)-(x64|arm64)\/(glibc|musl|macos)\/(bundled\.json|(sasl2\/)?lib\w+\.(so|\d|dylib)[\w.-]*)$/,
    /^deps\/licenses\/[\w-]+\.txt$/,
  ];
  expect(files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([]);
});

it('holds all that "exports", "main", "types" and "bin" name', () => {
  const { main, types, exports, bin } = manifest;
  const named = [main, types, exports, bin].flatMap(strings).filter((name) => !name.includes('*'));
  expect(named.length).toBeGreaterThan(4);
  expect(named.map((name) => path.normalize(name)).filter((name) => !files.includes(name))).toEqual([]);
});

it('holds the whole library, compiled, and all that the addon is built from', () => {
  const compiled = inFolder('lib').flatMap((name) => {
    const stem = name.replace(/^lib/, 'dist').replace(/\.(m?)ts$/, '');
    const m = name.endsWith('.mts') ? 'm' : '';
    return [`${stem}.${m}js`, `${stem}.d.${m}ts`, `${stem}.${m}js.map`];
  });
  const sources = ['native/binding', 'native/core', 'native/memcached', 'native/transport'].flatMap(inFolder);
  expect([...compiled, ...sources].filter((name) => !files.includes(name))).toEqual([]);
  // And nothing that was compiled from files which are gone.
  expect(files.filter((name) => name.startsWith('dist/') && !compiled.includes(name))).toEqual([]);
});

it('runs nothing when it is installed', () => {
  const { scripts } = manifest as { scripts: Record<string, string> };
  const lifecycle = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  expect(lifecycle.filter((name) => name in scripts)).toEqual([]);
  // A binding.gyp beside package.json is an install script by another name.
  expect(files).not.toContain('binding.gyp');
  expect(manifest.gypfile).toBe(false);
});

it('says nothing about the machine that it was made on', () => {
  const suspicious = files.filter((name) => {
    const file = path.join(root, name);
    return existsSync(file) && readFileSync(file).includes(`${root}/`);
  });
  expect(suspicious).toEqual([]);
});

it('has the licence of every library in deps/bundled.json', () => {
  const bundled = JSON.parse(readFileSync(path.join(root, 'deps/bundled.json'), 'utf8')) as Record<
    string,
    { text: string } | string
  >;
  const texts = Object.values(bundled).flatMap((library) => (typeof library === 'string' ? [] : [library.text]));
  expect(texts.length).toBeGreaterThan(4);
  expect(texts.filter((text) => !files.includes(`deps/licenses/${text}`))).toEqual([]);
});

it('is the same from the same tree', () => {
  expect(pack()).toEqual(packed);
}, 120_000);
