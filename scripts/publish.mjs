// Publishes the packed files of packages/ to npm: the platforms' first, since the main package names them. What the registry
// has already is left out, so that it can be repeated when it was interrupted.
//
//   node scripts/publish.mjs [--dry-run: npm checks everything, and publishes nothing]

import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOLDER } from './packages/targets.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const isDryRun = process.argv.includes('--dry-run');

function manifestOf(file) {
  return JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' }));
}

function isPublished({ name, version }) {
  return spawnSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' }).stdout.trim() === version;
}

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const packages = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.tgz'))
  .map((name) => join(FOLDER, name))
  .map((file) => ({ file, manifest: manifestOf(file) }))
  .sort((a, b) => Number('optionalDependencies' in a.manifest) - Number('optionalDependencies' in b.manifest));
if (packages.length === 0) throw new Error(`There is nothing packed in ${FOLDER}: npm run packages`);
const old = packages.find(({ manifest }) => manifest.version !== version);
if (old) throw new Error(`${old.file} is not of version ${version}: npm run packages`);
for (const { file, manifest } of packages) {
  if (!isDryRun && isPublished(manifest)) {
    console.log(`${manifest.name}@${version} is published already.`);
    continue;
  }
  // Provenance says from which commit and by which workflow it was made; only there npm can tell.
  const options = isDryRun ? ['--dry-run', '--loglevel=error'] : ['--provenance'];
  execFileSync('npm', ['publish', `./${file}`, '--access=public', '--ignore-scripts', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
