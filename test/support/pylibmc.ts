// Conversations with pylibmc: one Python process for many questions, and values that JSON cannot say.

import { runPylibmc } from './python';

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
