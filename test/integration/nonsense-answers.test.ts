// Servers that answer nonsense: an error, never a value, and never the end of the process. libmemcached has assertions,
// so each case runs in a process of its own, which uses the built library.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sanitizerEnvironment, slowness } from '../support/sanitizers';

const dist = join(__dirname, '..', '..', 'dist', 'index.js');

/** Asks a fake server for one operation and one answer after the other, and prints what became of each. */
const child = `
const net = require('node:net');
const { Client } = require(process.argv[1]);
const [names, binary, answers] = JSON.parse(process.argv[2]);
const operations = {
  get: (mc) => mc.get('key'), gets: (mc) => mc.gets('key'), has: (mc) => mc.has('key'),
  getMulti: (mc) => mc.getMulti(['key', 'other']), set: (mc) => mc.set('key', 1), add: (mc) => mc.add('key', 1),
  replace: (mc) => mc.replace('key', 1), cas: (mc) => mc.cas('key', 1, 1n), append: (mc) => mc.append('key', 'data'),
  prepend: (mc) => mc.prepend('key', 'data'), incr: (mc) => mc.incr('key'), decr: (mc) => mc.decr('key'),
  delete: (mc) => mc.delete('key'), touch: (mc) => mc.touch('key', 1), getStats: (mc) => mc.getStats(),
  version: (mc) => mc.version(), flushAll: (mc) => mc.flushAll(),
};
async function ask(operation, answer) {
  const server = net.createServer((socket) => {
    let isNew = true; // what is first asked of a connection is the greeting
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const isGreeting = answer.greets && isNew && chunk.toString().startsWith('version');
      isNew = false;
      socket.write(isGreeting ? 'VERSION 1.6.18\\r\\n' : answer.echo ? chunk : Buffer.from(answer.bytes, 'latin1'));
      if (answer.hangsUp && !isGreeting) socket.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mc = new Client('127.0.0.1:' + server.address().port, { binary, timeout: 200 });
  const outcome = await operations[operation](mc).then(() => 'a result', (error) => error.code ?? error.name);
  return [operation, JSON.stringify(answer.bytes ?? 'echo').slice(0, 60), outcome];
}
Promise.all(names.flatMap((name) => answers.map((answer) => ask(name, answer)))).then((results) => {
  process.stdout.write(JSON.stringify(results), () => process.exit(0));
});
`;

interface Answer {
  /** As latin1. */
  bytes?: string;
  echo?: boolean;
  /** Closes the connection after its answer. */
  hangsUp?: boolean;
  /** Answers the greeting as a server should, and nonsense only afterwards. */
  greets?: boolean;
}

type Outcome = [operation: string, answer: string, outcome: string];

/** Every operation with every answer, all in one process. */
async function ask(names: string[], binary: boolean, answers: Answer[]): Promise<Outcome[]> {
  const args = ['-e', child, dist, JSON.stringify([names, binary, answers])];
  const running = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000 * slowness,
    env: { ...process.env, ...sanitizerEnvironment },
  });
  let [output, complaint] = ['', ''];
  running.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  running.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ending = await new Promise<unknown>((resolve) => {
    running.once('close', (code, signal) => {
      resolve(signal ?? code);
    });
  });
  // The complaint says which assertion it was.
  expect([ending, complaint]).toEqual([0, '']);
  const outcomes = JSON.parse(output) as Outcome[];
  expect(outcomes).toHaveLength(names.length * answers.length);
  return outcomes;
}

const reads = ['get', 'gets', 'has', 'getMulti'];
const stores = ['set', 'add', 'replace', 'cas', 'append', 'prepend'];
const counters = ['incr', 'decr'];
const others = ['delete', 'touch'];
const admin = ['getStats', 'version', 'flushAll'];
const groups: [string, string[]][] = [
  ['reads', reads],
  ['stores', stores],
  ['counters', counters],
  ['delete and touch', others],
];

const rubbish: Answer[] = [
  { bytes: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n' },
  { bytes: '\0'.repeat(64) },
  { bytes: String.fromCharCode(...Array.from({ length: 256 }, (_, index) => (index * 89) % 256)) },
  { bytes: '\r\n\r\n\r\n\r\n' },
  { bytes: '\x81\xff\xff\xff\xff\xff\xff\xff' },
  { bytes: `\x81${'\0'.repeat(7)}\xff\xff\xff\xff${'\0'.repeat(12)}` },
  { echo: true },
];

const malformed: Answer[] = [
  'VALUE key 0 10\r\nabc',
  'VALUE foreign 0 3\r\nabc\r\nEND\r\n',
  'VALUE key 0 99999999999999999999\r\nabc\r\nEND\r\n',
  'VALUE key 0 -1\r\nabc\r\nEND\r\n',
  'VALUE key 0 abc\r\nabc\r\nEND\r\n',
  `VALUE ${'k'.repeat(4000)} 0 3\r\nabc\r\nEND\r\n`,
  'VALUE key\r\n',
  'VALUE',
  `${'x'.repeat(100_000)}\r\n`,
].map((bytes) => ({ bytes, greets: true }));

/** Each is an answer that a memcached gives, but to another question. */
const outOfPlace: Answer[] = [
  'OK\r\n',
  'END\r\n',
  'STORED\r\n',
  'DELETED\r\n',
  'TOUCHED\r\n',
  'EXISTS\r\n',
  'NOT_FOUND\r\n',
  'NOT_STORED\r\n',
  '5\r\n',
  'STAT name value\r\nEND\r\n',
  'VERSION 1.6.18\r\n',
  'ITEM key [1 b; 2 s]\r\n',
  'VALUE key 0 3\r\nabc\r\nEND\r\n',
].map((bytes) => ({ bytes, greets: true }));

/** Well-formed refusals, and connections that break in the middle. */
const refusals: Answer[] = [
  ...[
    'ERROR\r\n',
    'ERROR Too many open connections\r\n',
    'CLIENT_ERROR\r\n',
    'CLIENT_ERROR bad data chunk\r\n',
    'CLIENT_ERROR unauthenticated\r\n',
    'SERVER_ERROR\r\n',
    'SERVER_ERROR timeout\r\n',
    'SERVER_ERROR out of memory storing object\r\n',
    'SERVER_ERROR object too large for cache\r\n',
    'BUSY\r\n',
  ].map((bytes) => ({ bytes, greets: true })),
  ...['', 'VAL', 'STO', 'VALUE key 0 3\r\na', '\x81'].map((bytes) => ({ bytes, greets: true, hangsUp: true })),
];

const isNoError = ([, , outcome]: Outcome): boolean => !outcome.startsWith('ERR_MEMCACHED_');

beforeAll(() => {
  if (!existsSync(dist)) throw new Error('build the library first: npm run build');
});

describe.each([true, false])('binary: %s', (binary) => {
  it.each(groups)('rubbish and malformed answers are errors: %s', async (_name, names) => {
    const outcomes = await ask(names, binary, [...rubbish, ...malformed]);
    expect(outcomes.filter(isNoError)).toEqual([]);
  });
});

describe('in text', () => {
  it.each([...groups, ['admin', admin] as [string, string[]]])(
    'an answer that is out of place does not end the process: %s',
    async (_name, names) => {
      await ask(names, false, outOfPlace);
    },
  );

  it.each(groups)('refusals are errors: %s', async (_name, names) => {
    expect((await ask(names, false, refusals)).filter(isNoError)).toEqual([]);
  });

  it('a store never takes a word for another', async () => {
    const foreign = outOfPlace.filter(({ bytes = '' }) => !/^(STORED|EXISTS|NOT_FOUND|NOT_STORED)/.test(bytes));
    expect((await ask(stores, false, foreign)).filter(isNoError)).toEqual([]);
  });

  it.each<[string, string[], RegExp]>([
    ['counters', counters, /^(5|NOT_FOUND)/],
    ['delete', ['delete'], /^(DELETED|NOT_FOUND)/],
    ['touch', ['touch'], /^(TOUCHED|NOT_FOUND)/],
    ['version', ['version'], /^VERSION/],
    ['flushAll', ['flushAll'], /^OK/],
  ])('nor do others: %s', async (_name, names, own) => {
    const foreign = outOfPlace.filter(({ bytes = '' }) => !own.test(bytes));
    expect((await ask(names, false, foreign)).filter(isNoError)).toEqual([]);
  });
});
