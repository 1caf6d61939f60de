// Bundles programs that use the packed package, with the settings that docs/installation.md names, and runs them: with
// webpack, and with both builders of Next, whose standalone output is moved away first: it must hold the binary and all that
// belongs to it. (esbuild: test/packaging/entry-points.test.ts.)
//
//   node scripts/test-bundlers.mjs           fetches the bundlers into .cache/bundlers (400 MB)

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startMemcached } from './soak/server.mjs';
import { check, prepare, project, run, startServer } from './test-bundlers/project.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const moved = mkdtempSync(join(tmpdir(), 'libmemcached-bundlers-'));
const server = await startMemcached();
const env = { SERVER: server.address };

async function webpack() {
  const require = join(project, 'node_modules/webpack');
  const script = `require(${JSON.stringify(require)})(require('./webpack.config.cjs'), (error, stats) => {
    if (error || stats.hasErrors() || stats.hasWarnings()) { console.error(error ?? stats.toString()); process.exit(1); }
  });`;
  await run(process.execPath, ['-e', script]);
  for (const bundle of ['bundle.cjs', 'bundle.mjs'])
    check(`webpack, ${bundle}`, (await run(process.execPath, [`webpack/${bundle}`], { env })).trim(), 'by a bundler');
}

async function next(builder) {
  await run('npx', ['next', 'build', `--${builder}`], { env });
  const standalone = join(moved, builder);
  cpSync(join(project, '.next/standalone'), standalone, { recursive: true, verbatimSymlinks: true });
  const application = await startServer(['server.js'], { cwd: standalone, env });
  try {
    check(`Next, ${builder}`, await (await fetch(`${application.address}/value`)).text(), 'by Next');
  } finally {
    await application.stop();
  }
}

try {
  await prepare();
  await webpack();
  await next('turbopack');
  await next('webpack');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(moved, { recursive: true, force: true });
}
