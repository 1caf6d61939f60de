// The documentation site: `npm run docs`.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The interfaces of npm's packages of these names: docs/migrating-from-*.md say what differs from them. */
const dropIns = ['./memcached', './memjs'];

/** The sources of what package.json exports. */
const entryPoints = Object.entries(exports).flatMap(([entry, target]) => {
  const types = target.require?.types;
  return types === undefined || dropIns.includes(entry)
    ? []
    : [types.replace(/^\.\/dist\//, 'lib/').replace(/\.d\.ts$/, '.ts')];
});

/** In the order in which one reads them. A guide that is not listed here comes after these. */
const guides = [
  'installation',
  'getting-started',
  'choosing-a-protocol',
  'tls',
  'authentication',
  'udp',
  'elasticache',
  'kubernetes',
  'clusters-and-failover',
  'when-servers-fail',
  'behaviors',
  'errors',
  'deadlines-and-life-cycle',
  'values-and-interoperation',
  'namespaces',
  'get-or-set',
  'keyv',
  'express-session',
  'next-cache-handler',
  'performance',
  'observability',
  'command-line',
  'comparison',
  'migrating-from-pylibmc',
  'migrating-from-memcached',
  'migrating-from-memjs',
].map((name) => `docs/${name}.md`);
const existing = readdirSync(new URL('docs', import.meta.url))
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name));
/** About the project rather than its use (scripts/docs/titles.mjs puts them into a group of their own). */
const projectPages = [
  'CHANGELOG.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'RELEASING.md',
  'bench/README.md',
  'bench/results/full.md',
  'bench/results/tls.md',
];

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'libmemcached',
  entryPoints,
  projectDocuments: [...new Set([...guides.filter((guide) => existsSync(guide)), ...existing]), ...projectPages],
  plugin: ['./scripts/docs/titles.mjs'],
  customCss: 'scripts/docs/site.css',
  out: 'docs-site',
  readme: 'README.md',
  // The sources have no public place yet that pages could link to.
  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  sort: ['source-order'],
  groupOrder: ['Guides', 'Modules', 'Project', '*'],
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
