// The bill of materials, in CycloneDX's format: npm's own (`npm sbom`) for the JavaScript dependencies, and the libraries
// that are bundled with the prebuilt binaries in prebuilds/, from their bundled.json. The same for the same tree.
//
//   node scripts/sbom.mjs              writes libmemcached-<version>.cdx.json and lists what is in it
//   node scripts/sbom.mjs --out=-      writes it to the standard output

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const { values: options } = parseArgs({
  options: { out: { type: 'string', default: `${name}-${version}.cdx.json` } },
});

const PREBUILDS = 'prebuilds';

function manifests() {
  if (!existsSync(PREBUILDS)) return [];
  return readdirSync(PREBUILDS, { recursive: true })
    .filter((file) => file.endsWith('bundled.json'))
    .sort()
    .map((file) => ({ folder: join(PREBUILDS, dirname(file)), ...JSON.parse(readFileSync(join(PREBUILDS, file))) }));
}

/** A license's id where it is one of SPDX's list, an expression otherwise. */
function component(folder, library) {
  const path = join(folder, library.file);
  return {
    'bom-ref': path,
    type: 'library',
    name: library.name,
    version: library.version,
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: library.sha256 }],
    licenses: [{ license: { id: library.license } }],
    purl: library.package,
    properties: [{ name: `${name}:file`, value: path }],
  };
}

function bill() {
  // From the lock file: what users get, whatever is installed here.
  const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const bom = JSON.parse(text);
  // Random, and the time: both optional.
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  // npm takes the folder's name.
  bom.metadata.component.name = name;
  const bundled = manifests().flatMap(({ folder, libraries }) =>
    libraries.map((library) => component(folder, library)),
  );
  bom.components.push(...bundled);
  const own = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref']);
  own.dependsOn.push(...bundled.map((each) => each['bom-ref']));
  bom.dependencies.push(...bundled.map((each) => ({ ref: each['bom-ref'], dependsOn: [] })));
  return { bom, bundled };
}

const { bom, bundled } = bill();
if (bundled.length === 0) {
  console.error(`There are no prebuilt binaries in ${PREBUILDS}; npm run prebuild makes one.`);
  process.exit(1);
}
const json = `${JSON.stringify(bom, null, 2)}\n`;
if (options.out === '-') {
  process.stdout.write(json);
} else {
  writeFileSync(options.out, json);
  console.log(`${options.out}:`);
  for (const each of bom.components) {
    const licenses = each.licenses
      ?.map(({ license, expression }) => expression ?? license.id ?? license.name)
      .join(', ');
    console.log(`  ${each.name} ${each.version} (${licenses ?? 'no licence given'}) ${each.purl}`);
  }
}
