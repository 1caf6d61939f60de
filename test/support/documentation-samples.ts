// The code samples of README.md and the guides, as programs that can be run.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../..');

export interface Sample {
  /** As `docs/getting-started.md:12`. */
  readonly name: string;
  readonly language: 'ts' | 'js' | 'python';
  /** As it is written, behind what it is given. */
  readonly code: string;
}

/** The API reference is made of declarations, which cannot be run. */
const generated = 'api.md';

/** README.md and every guide. */
export const documents: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== generated)
    .map((name) => `docs/${name}`),
];

/** Before a sample that cannot be run: `<!-- not run: why -->`. */
const notRun = /<!-- not run: .+ -->\s*$/;
/** Before a sample that uses what readers can imagine: `<!-- with: const database = …; -->`. */
const given = /<!-- with: (.+) -->\s*$/;
const fence = /^```(ts|js|python)\n(.*?)^```$/gms;

export function samplesOf(document: string): Sample[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(fence)].flatMap((match) => {
    const before = text.slice(0, match.index);
    if (notRun.test(before)) return [];
    const line = before.split('\n').length;
    const [, language, code] = match as unknown as [string, Sample['language'], string];
    const setup = given.exec(before)?.[1];
    return [{ name: `${document}:${line}`, language, code: setup === undefined ? code : `${setup}\n${code}` }];
  });
}

/** How servers are called in samples: this machine's memcached, or hosts of a cluster. */
const server = /(['"])(127\.0\.0\.1|10\.0\.0\.\d|cache\d)(?::11211)?(:\d+)?\1/g;

/** The sample with the servers of a test; each host is always the same one of them. */
export function withServers(code: string, addresses: readonly string[]): string {
  return code.replace(server, (text, quote: string, host: string, weight = '') => {
    // ':1' behind this machine's address is a port where nobody listens.
    if (host === '127.0.0.1' && weight !== '') return text;
    const index = host === '127.0.0.1' ? 0 : (Number(host.slice(-1)) - 1) % addresses.length;
    return `${quote}${addresses[index] as string}${weight}${quote}`;
  });
}

/** A sample that does not import the client continues what came before: it gets one. */
export function withImports({ language, code }: Sample): string {
  if (language === 'python') return /^import pylibmc/m.test(code) ? code : `import json\nimport pylibmc\n${code}`;
  if (code.includes("from 'libmemcached'")) return code;
  const client = /\b(const|let) (mc|\{.*\bmc\b.*\}) =/.test(code) ? '' : "const mc = new Client('127.0.0.1:11211');\n";
  return `import { Client } from 'libmemcached';\n${client}${code}`;
}

/** Begins as util.inspect shows a value. */
const value = /^(true|false|null|undefined|NaN|-?\d|'|\[|\{|Map\(|Set\(|<Buffer)/;
const resultLine =
  /^(\s*)(?:(?:const|let) (\w+)(?:: \w+)? = .+|((?!const |let |import |export |return |if |for |\}|new |\/\/).+)); \/\/ (.+)$/;

/** Has `x; // 42` checked: what stands behind `//` must be the value, whatever is said behind that. */
export function withChecks(code: string): { code: string; checks: number } {
  let checks = 0;
  const lines = code.split('\n').map((line) => {
    const [, indent, name, expression, comment] = (resultLine.exec(line) ?? []) as (string | undefined)[];
    if (comment === undefined || !value.test(comment) || (name ?? expression) === undefined) return line;
    checks++;
    const check = `check(${String(name ?? expression)}, ${JSON.stringify(comment)});`;
    return name === undefined ? `${String(indent)}${check}` : `${line}\n${String(indent)}${check}`;
  });
  return { code: lines.join('\n'), checks };
}

/** A sample that goes on for ever (a server, an interval) is ended a while after its last line. */
export function withEnd(code: string): string {
  const goesOn = /\b(setInterval|listen)\(/.test(code);
  return goesOn ? `${code}\nsetTimeout(() => process.exit(), 500);\n` : code;
}

/** What `withChecks` calls. */
export const checkFunction = `import { inspect } from 'node:util';
function check(value, comment) {
  const shown = inspect(value, { breakLength: Infinity, depth: Infinity });
  if (comment !== shown && !(comment.startsWith(shown) && /^[:;,]/.test(comment.slice(shown.length))))
    throw new Error('the document says ' + comment + ', and it is ' + shown);
}
`;
