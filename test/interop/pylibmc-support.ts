// Conversations with pylibmc: one Python process for many questions, and values that JSON cannot say.

import { runPylibmc } from '../helpers/python';
import { connectTo, type Endpoint } from '../helpers/processes';

/** A Python value: its type's name, and its text (bytes as latin-1 characters, others by str or repr). */
export interface PythonValue {
  type: string;
  text: string;
}

export const py = {
  str: (text: string): PythonValue => ({ type: 'str', text }),
  bytes: (bytes: Uint8Array | string): PythonValue => ({
    type: 'bytes',
    text: Buffer.from(bytes as string).toString('latin1'),
  }),
  int: (value: number | bigint): PythonValue => ({ type: 'int', text: String(value) }),
  none: { type: 'NoneType', text: 'None' },
};

const PRELUDE = `
import base64, json, sys
import pylibmc

def describe(value):
    if isinstance(value, str): text = value
    elif isinstance(value, bytes): text = value.decode('latin-1')
    else: text = repr(value)
    return {'type': type(value).__name__, 'text': text}

def connect(servers, behaviors=None, **options):
    behaviors = dict(behaviors or {})
    # A str here would be read as if it were bytes, header and all: pylibmc does not check.
    if 'namespace' in behaviors: behaviors['namespace'] = behaviors['namespace'].encode()
    return pylibmc.Client(servers, behaviors=behaviors, **options)

def attempt(call):
    try:
        return describe(call())
    except Exception as error:
        return {'type': 'raised', 'text': type(error).__name__}

input = json.loads(base64.b64decode('@INPUT@'))
output = None
`;

/**
 * Runs a program that finds `input`, `connect(servers, behaviors, binary=…)`, `describe(value)` (makes a PythonValue)
 * and `attempt(function)` (the same, or the type of what it raised), and leaves its answer in `output`.
 */
export async function askPython<T>(program: string, input: unknown): Promise<T> {
  const encoded = Buffer.from(JSON.stringify(input)).toString('base64');
  const script = `${PRELUDE.replace('@INPUT@', encoded)}\n${program}\nprint(json.dumps(output))\n`;
  return (await runPylibmc(script)) as T;
}

/** What pylibmc reads for the keys. */
export function readWithPylibmc(
  server: string,
  keys: readonly string[],
  options: { binary?: boolean; behaviors?: Record<string, unknown> } = {},
): Promise<PythonValue[]> {
  const program = `
mc = connect([input['server']], input.get('behaviors'), binary=input.get('binary', False))
output = [attempt(lambda: mc.get(key)) for key in input['keys']]
`;
  return askPython(program, { server, keys, ...options });
}

/** Has pylibmc store what Python expressions evaluate to; `with_` are more arguments of its `set`. */
export async function writeWithPylibmc(
  server: string,
  entries: readonly { key: string; python: string; with?: Record<string, unknown> }[],
  options: { binary?: boolean; behaviors?: Record<string, unknown> } = {},
): Promise<void> {
  const program = `
mc = connect([input['server']], input.get('behaviors'), binary=input.get('binary', False))
import datetime, random
output = [mc.set(entry['key'], eval(entry['python']), **entry.get('with', {})) for entry in input['entries']]
`;
  const stored = await askPython<boolean[]>(program, { server, entries, ...options });
  if (!stored.every(Boolean)) throw new Error(`pylibmc could not store everything: ${JSON.stringify(stored)}`);
}

/** An item as the server holds it. */
export interface StoredItem {
  flags: number;
  data: Buffer;
}

/** Asks the server itself, in text, for an item. */
export async function storedItem(server: Endpoint, key: string): Promise<StoredItem | undefined> {
  const answer = await conversation(server, `get ${key}\r\n`, (soFar) => soFar.toString('latin1').endsWith('END\r\n'));
  const end = answer.indexOf('\r\n');
  const header = /^VALUE \S+ (\d+) (\d+)/.exec(answer.toString('latin1', 0, end));
  if (header === null) return undefined;
  return { flags: Number(header[1]), data: answer.subarray(end + 2, end + 2 + Number(header[2])) };
}

/** The keys that a server really holds, by its own account; ASCII keys only. */
export async function keysOn(server: Endpoint): Promise<string[]> {
  for (;;) {
    const answer = await conversation(server, 'lru_crawler metadump all\r\n', (soFar) =>
      /(^|\n)(END|BUSY.*|ERROR.*|CLIENT_ERROR.*)\r?\n$/.test(soFar.toString('latin1', Math.max(0, soFar.length - 100))),
    );
    const text = answer.toString('latin1');
    if (text.startsWith('BUSY')) {
      // Its own crawler is under way.
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    if (!text.endsWith('END\r\n')) throw new Error(`no list of keys: ${text.slice(0, 200)}`);
    return [...text.matchAll(/^key=(\S+) /gm)].map((match) => decodeURIComponent(match[1] as string));
  }
}

async function conversation(
  server: Endpoint,
  command: string,
  isComplete: (answer: Buffer) => boolean,
): Promise<Buffer> {
  const socket = connectTo(server);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      let answer = Buffer.alloc(0);
      socket.setTimeout(5000, () => {
        reject(new Error('no complete answer within 5 s'));
      });
      socket.on('error', reject);
      socket.on('close', () => {
        reject(new Error('the server hung up'));
      });
      socket.on('data', (chunk) => {
        answer = Buffer.concat([answer, chunk]);
        if (isComplete(answer)) resolve(answer);
      });
      socket.write(command);
    });
  } finally {
    socket.destroy();
  }
}
