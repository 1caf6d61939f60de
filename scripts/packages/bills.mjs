// Bills of materials (CycloneDX), the same for the same tree.

import { execFileSync } from 'node:child_process';
import { SCOPE, TARGETS } from './targets.mjs';

const purlOf = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function depend(bom, components) {
  bom.components.push(...components);
  const own = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref']);
  own.dependsOn.push(...components.map((each) => each['bom-ref']));
  bom.dependencies.push(...components.map((each) => ({ ref: each['bom-ref'], dependsOn: [] })));
  return bom;
}

/** From the lock file: what users get, whatever is installed here. */
export function billOfMain({ name, version, license }) {
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
  const platforms = TARGETS.map((target) => ({
    'bom-ref': `${SCOPE}/${target.name}@${version}`,
    type: 'library',
    name: `${SCOPE}/${target.name}`,
    version,
    scope: 'optional',
    licenses: [{ license: { id: license } }],
    purl: purlOf(`${SCOPE}/${target.name}`, version),
  }));
  return depend(bom, platforms);
}

/** From bundled.json. */
export function billOfPlatform({ name, version, license }, libraries) {
  const ref = `${name}@${version}`;
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        ...{ 'bom-ref': ref, type: 'library', name, version, purl: purlOf(name, version) },
        licenses: [{ license: { id: license } }],
      },
    },
    components: [],
    dependencies: [{ ref, dependsOn: [] }],
  };
  const components = libraries.map((library) => ({
    'bom-ref': `${library.name}:${library.file}`,
    type: 'library',
    name: library.name,
    version: library.version,
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: library.sha256 }],
    // Ids of SPDX's list.
    licenses: [{ license: { id: library.license } }],
    ...(library.package === undefined ? {} : { purl: library.package }),
    properties: [{ name: 'libmemcached:file', value: library.file }],
  }));
  return depend(bom, components);
}
