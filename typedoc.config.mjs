// The documentation site: `npm run docs`.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The sources of what package.json exports. */
const entryPoints = Object.values(exports).flatMap((target) => {
  const types = target.require?.types;
  return types === undefined ? [] : [types.replace(/^\.\/dist\//, 'lib/').replace(/\.d\.ts$/, '.ts')];
});

/** In the order in which one reads them. */
const guides = [
  'getting-started',
  'choosing-a-protocol',
  'sasl-and-udp',
  'clusters-and-failover',
  'when-servers-fail',
  'behaviors',
  'values-and-interoperation',
  'namespaces',
  'get-or-set',
  'keyv',
  'express-session',
  'performance',
  'observability',
  'command-line',
  'migrating-from-memjs',
  'migrating-from-memcached',
  'migrating-from-pylibmc',
].map((name) => `docs/${name}.md`);
/** The reference on one page (scripts/docs/api.mjs): the site has its own. */
const apiPage = 'api.md';
const existing = readdirSync(new URL('docs', import.meta.url))
  .filter((name) => name !== apiPage)
  .map((name) => join('docs', name));

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'libmemcached',
  entryPoints,
  // What nobody has put into the list above comes after it.
  projectDocuments: [
    ...new Set([...guides.filter((guide) => existsSync(guide)), ...existing.filter((path) => path.endsWith('.md'))]),
  ],
  plugin: ['./scripts/docs/titles.mjs'],
  customCss: 'scripts/docs/site.css',
  out: 'docs-site',
  readme: 'README.md',
  // The sources have no public place yet that pages could link to.
  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  sort: ['source-order'],
  groupOrder: ['Guides', 'Modules', '*'],
  navigation: { includeCategories: true, includeGroups: true },
  highlightLanguages: ['javascript', 'typescript', 'python', 'php', 'ruby', 'shellscript', 'json', 'diff', 'yaml'],
  // Tables that a type is made from.
  intentionallyNotExported: ['lib/addon/record-layout.ts:operationNames'],
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    unusedMergeModuleWith: true,
  },
  treatWarningsAsErrors: true,
};
