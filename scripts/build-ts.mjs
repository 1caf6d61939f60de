// Makes dist/ from lib/, if anything in it has changed; `--force` does so in any case: declarations by tsc, and by esbuild
// one file for each entry point of package.json, since loading a hundred small files takes longer than all the rest. No
// source maps: what comes out is as readable.

import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './stale.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const INDEX = 'lib/index.ts';

const { exports, bin } = JSON.parse(readFileSync('package.json', 'utf8'));
const targets = Object.values(exports).flatMap((target) => [target.require?.default, target.import?.default]);
const [modules, commonjs] = [/\.mjs$/, /\.js$/].map((kind) =>
  [...targets, ...Object.values(bin)]
    .filter((target) => kind.test(target ?? ''))
    .map((target) => target.replace(/^(\.\/)?dist\//, 'lib/').replace(/js$/, 'ts')),
);
const others = commonjs.filter((entry) => entry !== INDEX);

const common = {
  platform: 'node',
  target: 'node20',
  outbase: 'lib',
  outdir: 'dist',
  logLevel: 'warning',
  metafile: true,
  keepNames: true, // of classes: console.log() shows them
};

/** The index is one instance for all: the other entry points load it, and have no copy of their own. */
const oneIndex = {
  name: 'one-index',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/(.*\/)?(index|package\.json)$/ }, ({ path, resolveDir }) => {
      const file = relative('', join(resolveDir, path));
      if (file === 'lib/index') return { path: '../index.js', external: true };
      if (file === 'package.json') return { path: '../package.json', external: true };
      return undefined;
    });
  },
};

async function bundle() {
  const settings = { ...common, bundle: true, format: 'cjs', packages: 'external', plugins: [oneIndex] };
  const index = await build({ ...settings, entryPoints: [INDEX] });
  const shared = new Set(Object.keys(index.metafile.inputs));
  for (const entry of others) {
    const { metafile } = await build({ ...settings, entryPoints: [entry] });
    const twice = Object.keys(metafile.inputs).filter((file) => shared.has(file));
    // Two copies of a class, and instanceof says no.
    if (twice.length > 0) throw new Error(`${entry} imports ${twice.join(', ')}, which is in ${INDEX}: import that.`);
  }
  await build({ ...common, format: 'esm', outExtension: { '.js': '.mjs' }, entryPoints: modules });
}

async function compile() {
  console.log('Compiling TypeScript (dist)');
  // What was compiled from files that are gone must not be found, or published.
  rmSync('dist', { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status || 1);
  await bundle();
}

await buildIfStale('dist/index.js', ['lib', 'package.json', 'tsconfig.json', 'scripts/build-ts.mjs'], compile);
