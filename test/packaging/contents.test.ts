// What is in the tarballs that npm publishes: all that is needed, and nothing else. (Of the platforms' packages only those
// that are there: npm run prebuild makes one.)

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import targets from '../../scripts/packages/targets.json';

const root = path.join(__dirname, '../..');

interface Packed {
  /** Bytes, packed. */
  size: number;
  files: { path: string; size: number; mode: number }[];
  integrity: string;
}

interface Manifest {
  name: string;
  version: string;
  [field: string]: unknown;
}

function putTogether(): void {
  execFileSync(process.execPath, ['scripts/packages.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

function pack(folder: string): Packed {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // A list up to npm 11, an object by name from npm 12.
  const [packed] = Object.values(JSON.parse(output) as Record<string, Packed>);
  return packed as Packed;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

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

const lifecycle = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];

function runsNothing({ manifest, files }: { manifest: Manifest; files: string[] }): void {
  const { scripts = {} } = manifest as { scripts?: Record<string, string> };
  expect(lifecycle.filter((name) => name in scripts)).toEqual([]);
  // A binding.gyp beside package.json is an install script by another name.
  expect(files.filter((name) => /^[^/]*\.gyp$/.test(name))).toEqual([]);
}

function saysNothingOfThisMachine(folder: string, files: string[]): void {
  const suspicious = files.filter((name) => readFileSync(path.join(folder, name)).includes(`${root}/`));
  expect(suspicious).toEqual([]);
}

/** README says how large a package is; it may grow by a tenth before somebody has to look. */
function isAsLargeAsReadmeSays(name: string, { size }: Packed): void {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const kilobytes = Number(new RegExp(`^\\| \`${name}\`, packed +\\| +(\\d+) kB`, 'm').exec(readme)?.[1]);
  expect(size / 1000 / kilobytes).toBeGreaterThan(0.9);
  expect(size / 1000 / kilobytes).toBeLessThan(1.1);
}

putTogether();

describe('the main package', () => {
  const folder = path.join(root, 'packages/libmemcached');
  const packed = pack(folder);
  const files = packed.files.map((file) => file.path);
  const manifest = manifestOf(folder);

  it('holds nothing but what a user needs', () => {
    const expected = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|UPGRADING\.md|sbom\.cdx\.json)$/,
      // The compiled library: one file for each entry point, and the types.
      /^dist\/(cli\/main|index|integrations\/[\w-]+)\.js$/,
      /^dist\/(index|integrations\/[\w-]+)\.mjs$/,
      /^dist\/(?!cli\/)[\w./-]+\.d\.m?ts$/,
      /^(docs|examples)\/[\w./-]+$/,
      // To build the addon from source.
      /^source\/native\/(binding|core|memcached|transport)\/\w+\.(cc|h)$/,
      /^source\/(binding\.gyp|deps\/locate\.js|deps\/system-packages\.json)$/,
    ];
    expect(files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  it('holds all that "exports", "main", "types" and "bin" name', () => {
    const { main, types, exports, bin } = manifest;
    const named = [main, types, exports, bin].flatMap(strings).filter((name) => !name.includes('*'));
    expect(named.length).toBeGreaterThan(4);
    expect(named.map((name) => path.normalize(name)).filter((name) => !files.includes(name))).toEqual([]);
  });

  it("holds the library's types, and all that the addon is built from", () => {
    const types = inFolder('lib')
      .filter((name) => !name.startsWith('lib/cli/'))
      .map((name) => name.replace(/^lib/, 'dist').replace(/\.(m?)ts$/, '.d.$1ts'));
    const sources = [...inFolder('native'), 'binding.gyp', 'deps/locate.js'].map((name) => `source/${name}`);
    expect([...types, ...sources].filter((name) => !files.includes(name))).toEqual([]);
    // And nothing that was compiled from files which are gone.
    expect(files.filter((name) => /\.d\.m?ts$/.test(name) && !types.includes(name))).toEqual([]);
  });

  it('names a package for every platform, of its own version', () => {
    const { version } = manifestOf(root);
    expect(manifest.version).toBe(version);
    expect(manifest.optionalDependencies).toEqual(
      Object.fromEntries(targets.map(({ name }) => [`@libmemcached/${name}`, version])),
    );
  });

  it('runs nothing when it is installed', () => {
    runsNothing({ manifest, files });
    // npm would build what is developed here, too, for the binding.gyp of its root; and nobody may publish that.
    expect(manifestOf(root)).toMatchObject({ gypfile: false, private: true });
  });

  it('says nothing about the machine that it was made on', () => {
    saysNothingOfThisMachine(folder, files);
  });

  it('is as large as README says', () => {
    isAsLargeAsReadmeSays('libmemcached', packed);
  });

  it('is the same from the same tree', () => {
    putTogether();
    expect(pack(folder)).toEqual(packed);
  }, 120_000);
});

const made = targets.filter(({ name }) => existsSync(path.join(root, 'packages', name, 'package.json')));
(made.length > 0 ? describe.each(made) : describe.skip.each(targets))('the package for $name', (target) => {
  const folder = path.join(root, 'packages', target.name);

  it('is for that platform alone, of the same version, and runs nothing', () => {
    const manifest = manifestOf(folder);
    expect(manifest).toMatchObject({
      name: `@libmemcached/${target.name}`,
      version: manifestOf(root).version,
      ...{ os: ['linux'], cpu: [target.cpu], libc: [target.libc] },
    });
    runsNothing({ manifest, files: pack(folder).files.map((file) => file.path) });
  });

  it('holds the binary, its libraries, and for each its origin and its licence', () => {
    const files = pack(folder).files.map((file) => file.path);
    const { libraries } = JSON.parse(readFileSync(path.join(folder, 'bundled.json'), 'utf8')) as {
      libraries: { file: string; licenseText: string }[];
    };
    const named = libraries.flatMap(({ file, licenseText }) => [file, licenseText]);
    if (target.libc === 'glibc') isAsLargeAsReadmeSays(`@libmemcached/${target.name}`, pack(folder)); // nobody has made the other
    const expected = ['package.json', 'index.js', 'README.md', 'LICENSE', 'sbom.cdx.json', 'bundled.json', ...named];
    expect(files.sort()).toEqual([...new Set(expected)].sort());
    saysNothingOfThisMachine(folder, files);
  });
});

it('knows the licence of every library that may be bundled', () => {
  const bundled = JSON.parse(readFileSync(path.join(root, 'deps/bundled.json'), 'utf8')) as Record<
    string,
    { text: string } | string
  >;
  const texts = Object.values(bundled).flatMap((library) => (typeof library === 'string' ? [] : [library.text]));
  expect(texts.length).toBeGreaterThan(3);
  expect(texts.filter((text) => !existsSync(path.join(root, 'deps/licenses', text)))).toEqual([]);
});
