// The samples of docs/observability.md run as they stand there, against a real memcached.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { useServers } from '../integration/support';

const root = path.join(__dirname, '../..');
const servers = useServers(1);

/** Each sample under the heading that it stands under. */
const samples = readFileSync(path.join(root, 'docs/observability.md'), 'utf8')
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/^```js\n(.*?)^```$/gms)].map((match): [string, string] => [
      section.slice(0, section.indexOf('\n')),
      match[1] as string,
    ]),
  );

/** What a sample prints. Run in the root folder, 'libmemcached' is this package. */
function run(code: string): string {
  const { address } = servers()[0] as { address: string };
  const script = code.replaceAll('127.0.0.1:11211', address);
  // What is measured at intervals would go on for ever.
  const args = ['--input-type=module', '--eval', `${script}\n;setTimeout(() => process.exit(), 300);`];
  const child = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 20_000 });
  expect(child.stderr).toBe('');
  expect(child.status).toBe(0);
  return child.stdout;
}

/** What the samples print, by heading. */
const outputs: Record<string, RegExp> = {
  Metrics: /^127\.0\.0\.1:\d+ up 3 0\.5 \{\} p99: 0\.\d+ s$/m,
  OpenTelemetry: /name: 'BATCH get 127\.0\.0\.1:\d+',[^]*'db\.operation\.batch\.size': 2/,
  'The tracing channel': /^set user:1 127\.0\.0\.1:\d+ \d+\.\d+ undefined$/m,
};

test('there is a sample under each heading that should have one', () => {
  expect(samples.map(([heading]) => heading)).toEqual(Object.keys(outputs));
});

test.each(samples)('%s', (heading, code) => {
  const output = run(code);
  const expected = outputs[heading];
  if (expected === undefined) throw new Error(`what does the sample under ${heading} print?`);
  expect(output).toMatch(expected);
});
