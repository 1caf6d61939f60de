// What the samples of docs/observability.md print. (That they run is for samples.test.ts to see.)

import { spawnSync } from 'node:child_process';
import { useServers } from '../support/clients';
import { root, samplesOf, withServers, type Sample } from '../support/documentation-samples';

const servers = useServers(1);

/** In the order in which they stand there. */
const outputs: readonly (readonly [title: string, printed: RegExp])[] = [
  ['mc.metrics()', /^127\.0\.0\.1:\d+ up 3 0\.5 \{\} p99: 0\.\d+ s$/m],
  ['OpenTelemetry', /name: 'BATCH get 127\.0\.0\.1:\d+',[^]*'db\.operation\.batch\.size': 2/],
  ['the tracing channel', /^set user:1 127\.0\.0\.1:\d+ \d+\.\d+ undefined$/m],
];
const samples = samplesOf('docs/observability.md');

test('every sample has its output', () => {
  expect(samples).toHaveLength(outputs.length);
});

test.each(outputs.map(([title, printed], index) => [title, printed, samples[index] as Sample] as const))(
  '%s',
  (_title, printed, { code }) => {
    const script = withServers(
      code,
      servers().map(({ address }) => address),
    );
    // Intervals, of the metrics' exporter for one, would go on for ever.
    const args = ['--input-type=module', '--eval', `${script}\n;setTimeout(() => process.exit(), 300);`];
    const child = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 20_000 });
    expect(child.stderr).toBe('');
    expect(child.status).toBe(0);
    expect(child.stdout).toMatch(printed);
  },
);
