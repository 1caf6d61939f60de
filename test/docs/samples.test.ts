// Every code sample of README.md and the guides does what it says.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { rawCommand } from '../support/raw-command';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import '../support/wall-clock';
import {
  checkFunction,
  documents,
  root,
  samplesOf,
  withChecks,
  withEnd,
  withImports,
  withServers,
  type Sample,
} from '../support/documentation-samples';

let servers: MemcachedServer[];
let folder: string;
beforeAll(async () => {
  servers = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
  // Inside the package, where 'libmemcached' means this one; in a folder that no tool looks into.
  mkdirSync(join(root, 'build'), { recursive: true });
  folder = mkdtempSync(join(root, 'build/samples-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await stopAll();
});

const longest = 20_000;
const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { cwd: folder, timeout: longest, env: { PATH: process.env.PATH } });
  let output = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdin.end();
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`it ended with ${String(status)}: ${output}`);
}

let files = 0;

async function runSample(sample: Sample): Promise<void> {
  const addresses = servers.map(({ address }) => address);
  const code = withServers(withImports(sample), addresses);
  const file = join(folder, `${files++}`);
  if (sample.language === 'python') {
    writeFileSync(`${file}.py`, code);
    // Debian's own interpreter has python3-pylibmc.
    await run('/usr/bin/python3', [`${file}.py`]);
    return;
  }
  const { outputText } = ts.transpileModule(checkFunction + withEnd(withChecks(code).code), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  writeFileSync(`${file}.mjs`, outputText);
  await run(process.execPath, [`${file}.mjs`]);
}

describe.each(documents)('%s', (document) => {
  const samples = samplesOf(document);
  beforeAll(() => Promise.all(servers.map((server) => rawCommand(server, 'flush_all\r\n'))));

  // One after the other: a sample may read what the one before it stored.
  if (samples.length > 0)
    it.each(samples.map((sample) => [sample.name, sample] as const))('%s', (_name, sample) => runSample(sample));
  else it.todo('has no samples to run');
});

it('the samples in TypeScript have the right types', () => {
  const names = new Map<string, string>();
  for (const sample of documents.flatMap(samplesOf).filter(({ language }) => language === 'ts')) {
    const file = join(folder, `types-${names.size}.mts`);
    writeFileSync(file, withImports(sample));
    names.set(file, sample.name);
  }
  expect(names.size).toBeGreaterThan(10);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([...names.keys()], compilerOptions));
  const messages = diagnostics.map(({ file, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    return `${names.get(file?.fileName ?? '') ?? file?.fileName ?? ''}: ${text}`;
  });
  expect(messages).toEqual([]);
});

describe('the checks', () => {
  it('are made where a comment is a value', () => {
    const code = "await mc.get('a'); // 1: one\nconst b = 2; // 2\nawait x(); // no value\nif (b) y(); // 1";
    expect(withChecks(code)).toEqual({
      checks: 2,
      code: `check(await mc.get('a'), "1: one");\nconst b = 2; // 2\ncheck(b, "2");\nawait x(); // no value\nif (b) y(); // 1`,
    });
  });

  it('fail for a sample that is wrong, or throws', async () => {
    const sample = (code: string): Sample => ({ name: 'wrong', language: 'ts', code });
    await expect(runSample(sample("await mc.get('no-such-key'); // 1"))).rejects.toThrow('it is undefined');
    await expect(runSample(sample("await mc.incr('no-such-key');"))).rejects.toThrow('NotFound');
    await expect(runSample(sample("await mc.get('no-such-key'); // undefined: a miss"))).resolves.toBeUndefined();
  });

  it('are many', () => {
    const all = documents.flatMap(samplesOf).reduce((sum, { code }) => sum + withChecks(code).checks, 0);
    expect(all).toBeGreaterThan(50);
  });
});
