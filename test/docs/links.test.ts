// Every link between the documents leads somewhere: to a file, and to a heading in it.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../support/documentation-samples';

const documents = ['.', 'docs', 'bench', 'bench/results', 'test/pylibmc', 'deps'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => normalize(join(folder, name))),
);

function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8').replace(/^ *```.*?^ *```/gms, '');
}

/** As GitHub makes them: a heading that comes again is numbered. */
function anchorsOf(document: string): Set<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  for (const [, heading] of textOf(document).matchAll(/^#+ (.+)$/gm)) {
    const anchor = (heading as string)
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

function brokenLinks(document: string): string[] {
  const text = textOf(document);
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(
    ([, target]) => target as string,
  );
  return targets.filter((target) => {
    if (/^\w+:/.test(target)) return false;
    const [file, anchor] = target.split('#') as [string, string | undefined];
    const path = file === '' ? document : normalize(join(dirname(document), file));
    if (!existsSync(join(root, path))) return true;
    return anchor !== undefined && !anchorsOf(path).has(anchor);
  });
}

it.each(documents)('%s has no broken links', (document) => {
  expect(brokenLinks(document)).toEqual([]);
});

it('finds a link that leads nowhere', () => {
  expect(anchorsOf('docs/errors.md')).toContain('unknown-outcomes');
  expect(anchorsOf('docs/errors.md')).not.toContain('no-such-heading');
});
