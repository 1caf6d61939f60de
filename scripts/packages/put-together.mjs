// The folders that are published, each with its package.json: the main package, and beside every prebuilt binary what makes
// it a package.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfMain, billOfPlatform } from './bills.mjs';
import { SCOPE, TARGETS } from './targets.mjs';

/** What users need of package.json; the rest is for developing. */
const FIELDS = [
  ...['name', 'version', 'description', 'keywords', 'license', 'author', 'repository', 'homepage', 'bugs'],
  ...['type', 'main', 'types', 'bin', 'exports', 'engines', 'dependencies', 'peerDependencies', 'peerDependenciesMeta'],
];
const COPIED = ['dist', 'docs', 'examples', 'README.md', 'LICENSE', 'CHANGELOG.md', 'UPGRADING.md'];
/** For building the addon: not in the package's root, where package managers would take binding.gyp for an order. */
const SOURCE = ['binding.gyp', 'native', 'deps/locate.js', 'deps/system-packages.json'];

const manifest = () => JSON.parse(readFileSync('package.json', 'utf8'));

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

export function putTogetherMain(folder) {
  const all = manifest();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of COPIED.filter((name) => existsSync(name))) cpSync(name, join(folder, name), { recursive: true });
  // A third of the documents' bytes, and the declarations say the same.
  rmSync(join(folder, 'docs/api.md'));
  // Nobody imports the command line.
  for (const name of readdirSync(join(folder, 'dist/cli'), { recursive: true }).filter((name) => /\.d\.ts$/.test(name)))
    rmSync(join(folder, 'dist/cli', name));
  // Whatever else a developer's tree has there.
  const filter = (path) => statSync(path).isDirectory() || /\.(gyp|cc|h|js|json)$/.test(path);
  for (const name of SOURCE) cpSync(name, join(folder, 'source', name), { recursive: true, filter });
  const fields = Object.fromEntries(FIELDS.filter((field) => field in all).map((field) => [field, all[field]]));
  const platforms = TARGETS.map(({ name }) => [`${SCOPE}/${name}`, all.version]);
  writeJson(join(folder, 'package.json'), { ...fields, optionalDependencies: Object.fromEntries(platforms) });
  writeJson(join(folder, 'sbom.cdx.json'), billOfMain(all));
}

const readme = ({ name, cpu, libc }) => `# ${SCOPE}/${name}

The binary of [libmemcached](https://www.npmjs.com/package/libmemcached) for Node.js on Linux (${cpu}, ${libc}), and the libraries
that it needs. libmemcached has it as an optional dependency and loads it: install that.

bundled.json says what is in it and where it came from, sbom.cdx.json the same as a bill of materials (CycloneDX),
licenses/ has the licences.
`;

const INDEX = `'use strict';

const { join } = require('node:path');

module.exports = require('./memcached_binding.node');

// Does nothing, but those who gather the files of a program (Next with Turbopack) follow literal paths: the libraries that the
// dynamic linker takes from there come along.
join(__dirname, 'lib');
`;

/** `folder` is what scripts/prebuild.mjs has made. */
export function putTogetherPlatform(folder, target) {
  const { version, license, author, repository, engines } = manifest();
  const { libraries } = JSON.parse(readFileSync(join(folder, 'bundled.json'), 'utf8'));
  const name = `${SCOPE}/${target.name}`;
  for (const text of new Set(libraries.map(({ licenseText }) => licenseText))) {
    cpSync(text === 'LICENSE' ? text : join('deps', text), join(folder, text));
  }
  cpSync('LICENSE', join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'README.md'), readme(target));
  writeFileSync(join(folder, 'index.js'), INDEX);
  writeJson(join(folder, 'package.json'), {
    ...{ name, version, license, author, repository, engines },
    description: `The binary of libmemcached for Linux, ${target.cpu}, ${target.libc}.`,
    main: 'index.js',
    os: ['linux'],
    cpu: [target.cpu],
    libc: [target.libc],
  });
  writeJson(join(folder, 'sbom.cdx.json'), billOfPlatform({ name, version, license }, libraries));
}
