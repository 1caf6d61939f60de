// What must hold before a release (RELEASING.md), as far as a program can tell. Lists everything that does not.

import { parser } from 'keep-a-changelog';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOLDER, SCOPE, TARGETS } from './packages/targets.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { version } = manifest;
const { releases } = parser(readFileSync('CHANGELOG.md', 'utf8'));
const problems = [];

function must(holds, problem) {
  if (!holds) problems.push(problem);
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function checkVersion() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  must(packages[''].version === version, 'package-lock.json has another version: use npm version.');
  const tag = process.env.GITHUB_REF_NAME ?? `v${version}`;
  must(tag === `v${version}`, `The tag ${tag} is not v${version}, package.json's version.`);
  must(git('status', '--porcelain', '--untracked-files=no') === '', 'The work tree has changes.');
  // npm refuses provenance without, and the README's links lead nowhere.
  must(manifest.repository?.url, 'package.json has no "repository".');
}

function checkChangelog() {
  const release = releases.find((each) => each.version === version);
  must(release?.date, `CHANGELOG.md has no dated section for ${version}.`);
  const open = releases.find((each) => each.version === undefined);
  const left = open ? [...open.changes.values()].flat().length : 0;
  must(left === 0, 'CHANGELOG.md still has entries under [Unreleased].');
  const removals = release?.changes.get('removed')?.length ?? 0;
  const breaks = /^[1-9]\d*\.0\.0$/.test(version) || removals > 0;
  const upgrading = existsSync('UPGRADING.md') ? readFileSync('UPGRADING.md', 'utf8') : '';
  must(
    !breaks || upgrading.includes(`## ${version}`),
    `${version} takes something away: UPGRADING.md needs a section "## ${version}" that says what to do.`,
  );
}

/** What was packed, which is what would be published. */
function checkPacked(name, file) {
  const path = join(FOLDER, `${file}-${version}.tgz`);
  if (!existsSync(path)) return void must(false, `${path} is missing: npm run prebuild, then npm run packages.`);
  const read = (inside) =>
    JSON.parse(execFileSync('tar', ['-xzOf', path, `package/${inside}`], { encoding: 'utf8', stdio: 'pipe' }));
  const packed = read('package.json');
  must(packed.name === name && packed.version === version, `${path} is ${packed.name}@${packed.version}.`);
  must(packed.repository?.url === manifest.repository?.url, `${path} names another repository: npm run packages.`);
  const bill = read('sbom.cdx.json').metadata.component;
  must(
    bill.name === name && bill.version === version,
    `${path}: its bill of materials is of ${bill.name}@${bill.version}.`,
  );
  return { path, packed, read };
}

function checkPackages() {
  const main = checkPacked('libmemcached', 'libmemcached');
  for (const target of TARGETS) {
    const name = `${SCOPE}/${target.name}`;
    const pinned = main?.packed.optionalDependencies[name];
    must(!main || pinned === version, `${main?.path} wants ${name}@${pinned}.`);
    const platform = checkPacked(name, `libmemcached-${target.name}`);
    if (!platform) continue;
    const { arch, libc } = platform.read('bundled.json');
    must(arch === target.cpu && libc === target.libc, `${platform.path} has a binary for ${arch}, ${libc}.`);
  }
}

checkVersion();
checkChangelog();
checkPackages();
if (problems.length > 0) {
  console.error(`Not ready to release ${version}:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`Ready to release ${version}.`);
}
