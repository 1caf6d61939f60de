// The package as others see it: by its name, through package.json's "exports", compiled.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startMemcached, stopAll } from '../support/memcached-servers';

const root = path.join(__dirname, '../..');
let project: string;

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), 'libmemcached-faces-'));
  execFileSync('mkdir', [path.join(project, 'node_modules')]);
  symlinkSync(root, path.join(project, 'node_modules/libmemcached'));
});
afterAll(async () => {
  rmSync(project, { recursive: true, force: true });
  await stopAll();
});

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(process.execPath, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function write(name: string, text: string): string {
  writeFileSync(path.join(project, name), text);
  return name;
}

function esbuild(args: readonly string[]): void {
  // Its command, not its interface: that one does not work inside of jest, whose Uint8Array is another.
  const command = path.join(root, 'node_modules/.bin/esbuild');
  execFileSync(command, [...args, '--bundle', '--platform=node', '--log-level=error'], { cwd: project });
}

it('is one addon instance and one set of classes behind both faces', () => {
  const script = write(
    'faces.mjs',
    `import { createRequire } from 'node:module';
     import * as esm from 'libmemcached';
     const cjs = createRequire(import.meta.url)('libmemcached');
     // What Node adds to the names of a CommonJS module, depending on its version.
     const added = ['default', 'module.exports', '__esModule'];
     const names = (face) => Object.keys(face).filter((name) => !added.includes(name)).sort();
     const different = names(cjs).filter((name) => esm[name] !== cjs[name]);
     const addons = process.report.getReport().sharedObjects.filter((name) => name.endsWith('.node'));
     console.log(JSON.stringify({ esm: names(esm), cjs: names(cjs), different, addons: addons.length }));`,
  );
  const { esm, cjs, different, addons } = JSON.parse(node([script])) as Record<string, unknown>;
  expect(cjs).toContain('Client');
  expect(esm).toEqual(cjs);
  expect(different).toEqual([]);
  expect(addons).toBe(1);
});

const program = (face: 'esm' | 'cjs'): string =>
  `${face === 'esm' ? "import { Client } from 'libmemcached'" : "const { Client } = require('libmemcached')"};
   const mc = new Client(process.env.SERVER);
   mc.set('bundled', 'by esbuild')
     .then(() => mc.get('bundled'))
     .then((value) => console.log(value))
     .finally(() => mc.close());`;

it.each(['esm', 'cjs'] as const)('works in a bundle of esbuild (%s) that has it as external', async (face) => {
  const server = await startMemcached();
  const extension = face === 'esm' ? 'mjs' : 'cjs';
  const source = write(`program-${face}.js`, program(face));
  esbuild([source, `--format=${face}`, '--external:libmemcached', `--outfile=bundle.${extension}`]);
  expect(node([`bundle.${extension}`], { SERVER: server.address })).toBe('by esbuild\n');
});

it('says what to do when it was bundled itself', () => {
  const source = write('program.js', program('cjs'));
  esbuild([source, '--outfile=everything/bundle.cjs']);
  expect(() => node(['everything/bundle.cjs'])).toThrow(/bundled[^]*--external:libmemcached/);
});

const { exports: entryPoints } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
it.each(Object.keys(entryPoints).filter((name) => name !== './package.json'))('%s loads from both faces', (name) => {
  const from = path.posix.join('libmemcached', name);
  const script = write(
    'loads.mjs',
    `import { createRequire } from 'node:module';
     const cjs = createRequire(import.meta.url)('${from}');
     const esm = await import('${from}');
     console.log(typeof cjs === 'function' ? esm.default === cjs : Object.keys(cjs).every((key) => esm[key] === cjs[key]));`,
  );
  expect(node([script]).trim()).toBe('true');
});

it('a package of one line named memcached gives libraries the drop-in', () => {
  const stand = path.join(project, 'node_modules/memcached');
  mkdirSync(stand, { recursive: true });
  writeFileSync(path.join(stand, 'package.json'), '{ "name": "memcached", "version": "2.2.2", "main": "index.js" }');
  writeFileSync(path.join(stand, 'index.js'), "module.exports = require('libmemcached/memcached');");
  cpSync(path.join(root, 'node_modules/connect-memcached'), path.join(project, 'node_modules/connect-memcached'), {
    recursive: true,
  });
  const script = write(
    'stand-in.cjs',
    `const Store = require('connect-memcached')({ Store: function Store() {} });
     const { client } = new Store({ hosts: ['127.0.0.1:1'] });
     console.log(client instanceof require('libmemcached/memcached'));`,
  );
  expect(node([script]).trim()).toBe('true');
});

it.each([
  ['bun', 'Bun'],
  ['deno', 'Deno'],
])('refuses another runtime (%s), which the addon would end', (runtime, name) => {
  const script = `Object.defineProperty(process, 'versions', { value: { ...process.versions, ${runtime}: '9.8.7' } });
    require('libmemcached');`;
  expect(() => node(['-e', script])).toThrow(new RegExp(`runs on Node\\.js, not on ${name} 9\\.8\\.7`));
});
