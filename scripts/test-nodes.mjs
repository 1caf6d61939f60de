// Runs the JavaScript tests with other versions of Node, whose binaries npm brings (into .cache/nodes). One build of the
// addon serves all of them: it is made for Node-API 8.
//
//   node scripts/test-nodes.mjs                  a selection of the tests, with Node 20, 22, 24 and 26, except the one
//                                                that runs this: npm test does that
//   node scripts/test-nodes.mjs --all            all of them
//   node scripts/test-nodes.mjs 22 latest -- -t 'name'    versions as npm understands them; jest's arguments

import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchNode } from './node-binary.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const VERSIONS = ['20', '22', '24', '26'].filter((version) => version !== process.versions.node.split('.')[0]);

/** What depends on Node the most: loading, the life of addon and threads, both faces, values, the wire in both ways. */
const SELECTION = [
  ...['unit', 'packaging/entry-points', 'lifecycle/ends', 'lifecycle/workers'],
  ...['reading', 'sasl', 'abort', 'client-life-cycle'].map((name) => `integration/${name}.test`),
].map((name) => `test/${name}`);

function test(version, args) {
  const bin = fetchNode(version);
  const node = join(bin, 'node');
  const name = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\n=== Node ${name}`);
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  const { status } = spawnSync(node, [jest, ...args], {
    stdio: 'inherit',
    // For those tests that start `node` and not the one that they run in.
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  return { name, passed: status === 0 };
}

const [given, jestArgs = []] = split(process.argv.slice(2));
const all = given.includes('--all');
const versions = given.filter((argument) => argument !== '--all');

function split(args) {
  const at = args.indexOf('--');
  return at === -1 ? [args] : [args.slice(0, at), args.slice(at + 1)];
}

const results = (versions.length > 0 ? versions : VERSIONS).map((version) =>
  test(version, [...(all ? [] : SELECTION), ...jestArgs]),
);
console.log(`\n${results.map(({ name, passed }) => `Node ${name}: ${passed ? 'passed' : 'FAILED'}`).join('\n')}`);
if (results.some(({ passed }) => !passed)) process.exitCode = 1;
