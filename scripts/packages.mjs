// Puts together and packs what is published, in packages/: the main package, which has no binary, and one package for each
// system whose binary is there (npm run prebuild). Prints their sizes, and fails where one is over its limit.
//
//   node scripts/packages.mjs [--main: only that one]

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { putTogetherMain, putTogetherPlatform } from './packages/put-together.mjs';
import { FOLDER, TARGETS } from './packages/targets.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const MAIN = 'libmemcached';
/** Bytes, packed. A function's bundle carries the main package and one other. */
const LIMIT = { main: 300_000, platform: 1_500_000 };

function pack(name, limit) {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', '..'], {
    cwd: join(FOLDER, name),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // npm says it in a list up to npm 11, in an object by name from npm 12.
  const [{ filename, size, unpackedSize, entryCount }] = Object.values(JSON.parse(output));
  const kb = (bytes) => `${Math.round(bytes / 1000)} kB`;
  console.log(
    `${filename}: ${kb(size)} packed (limit ${kb(limit)}), ${kb(unpackedSize)} unpacked, ${entryCount} files`,
  );
  if (size > limit) process.exitCode = 1;
}

execFileSync(process.execPath, ['scripts/build-ts.mjs'], { stdio: 'inherit' });
putTogetherMain(join(FOLDER, MAIN));
for (const name of readdirSync(FOLDER).filter((name) => name.endsWith('.tgz'))) rmSync(join(FOLDER, name));
pack(MAIN, LIMIT.main);
for (const target of process.argv.includes('--main') ? [] : TARGETS) {
  const folder = join(FOLDER, target.name);
  if (!existsSync(join(folder, 'bundled.json'))) continue;
  putTogetherPlatform(folder, target);
  pack(target.name, LIMIT.platform);
}
