// Checks CHANGELOG.md: its format (Keep a Changelog), and that it knows about this version and this change.
//
//   node scripts/check-changelog.mjs                 the format, and that there is a place for this version
//   node scripts/check-changelog.mjs --since=main    and that it was changed along with lib/, native/ or deps/ since that
//                                                    commit; a change that nobody will notice says "No changelog" in its
//                                                    commit message

import { parser } from 'keep-a-changelog';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Everything that users get. */
const PRODUCT = /^(lib|native|deps)\//;
const KINDS = ['added', 'changed', 'deprecated', 'removed', 'fixed', 'security'];

const { values: options } = parseArgs({ options: { since: { type: 'string' } } });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const text = readFileSync('CHANGELOG.md', 'utf8');

function problems() {
  let releases;
  try {
    ({ releases } = parser(text));
  } catch (error) {
    return [`It cannot be read: ${error.message}`];
  }
  const found = [];
  // The parser passes over headings that it does not know.
  for (const [, kind] of text.matchAll(/^### (.*)$/gm)) {
    if (!KINDS.includes(kind.toLowerCase())) found.push(`"${kind}" is none of ${KINDS.join(', ')}.`);
  }
  const [newest] = releases;
  const released = releases.some((release) => release.version === version);
  const isOpen = newest && newest.version === undefined && [...newest.changes.values()].flat().length > 0;
  if (!released && !isOpen) {
    found.push(`Version ${version} is not in it, and there is nothing under [Unreleased].`);
  }
  for (const release of releases) {
    if (release.version !== undefined && !release.date) found.push(`${release.version} has no date.`);
  }
  return found;
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function changeIsDescribed(since) {
  const range = `${since}...HEAD`;
  const files = git('diff', '--name-only', range).split('\n');
  if (!files.some((name) => PRODUCT.test(name)) || files.includes('CHANGELOG.md')) return true;
  return /^No changelog\b/im.test(git('log', '--format=%B', `${since}..HEAD`));
}

const found = problems();
if (options.since !== undefined && !changeIsDescribed(options.since)) {
  found.push(`lib/, native/ or deps/ changed since ${options.since}, but not CHANGELOG.md.`);
}
if (found.length > 0) {
  console.error(`CHANGELOG.md:\n${found.map((line) => `  ${line}`).join('\n')}`);
  process.exitCode = 1;
}
