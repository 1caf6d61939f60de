/** Queries: what memcached 2.2.2 makes of a call, what instrumentation sees of it, and what callbacks have as `this`. */

import { createHash } from 'node:crypto';

import type { Config } from './config';

/** What a callback has as `this`. */
export interface CommandData {
  /** Milliseconds since 1970: when it was sent. */
  start: number;
  /** Milliseconds until the answer. */
  execution: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as @types/memcached has it
  callback(...args: any[]): any;
  type: string;
  command: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as @types/memcached has it
  validate: [string, (...args: any[]) => any][];
  cas?: string | undefined;
  redundancyEnabled?: boolean | undefined;
  key?: string | undefined;
  value?: unknown;
  lifetime?: number | undefined;
}

export type Callback = (this: unknown, error?: unknown, result?: unknown) => void;

/** What a method passes to `command`, after its compiler was called. */
export interface Query {
  type: string;
  /** With the namespace; of a multi-get all of them, those of other servers, too. */
  key?: string | readonly string[];
  callback?: Callback | undefined;
  validate?: readonly (readonly [string, unknown])[];
  lifetime?: number;
  /** Of a write: its text on the wire. */
  value?: string | number;
  cas?: unknown;
  multi?: boolean;
  redundancyEnabled?: boolean;
  number?: number;
  slabid?: number;
  start?: number;
  execution?: number;
  /** Of a write. */
  flags?: number;
  /** Of a multi-get: the keys of this server. */
  serverKeys?: readonly string[];
  /** The text that memcached would send. */
  readonly command?: string;
}

/** Nobody but instrumentation asks for the text, so it is made when somebody does. */
export class TextQuery implements Query {
  declare readonly type: string;
  declare readonly key?: string | readonly string[];
  declare readonly validate?: readonly (readonly [string, unknown])[];
  declare callback?: Callback | undefined;
  readonly #config: Config;

  constructor(fields: Query, config: Config) {
    this.#config = config;
    Object.assign(this, fields);
  }

  get command(): string {
    const { type, key, flags, lifetime, value, cas, serverKeys, slabid, number } = this as Query;
    const keys = serverKeys ?? (typeof key === 'string' ? [key] : []);
    const words: unknown[] = [type, ...keys.map((each) => wireKey(each, this.#config))];
    if (flags !== undefined) {
      const text = String(value);
      words.push(flags, lifetime, Buffer.byteLength(text), ...(cas === undefined ? [] : [cas]));
      return `${words.join(' ')}\r\n${text}`;
    }
    words.push(...[value, lifetime, slabid, number].filter((word) => word !== undefined));
    return words.join(' ');
  }
}

export const argument = {
  key: ['key', String],
  keys: ['key', Array],
  value: ['value', String],
  amount: ['value', Number],
  lifetime: ['lifetime', Number],
  number: ['number', Number],
  slabid: ['slabid', Number],
  callback: ['callback', Function],
} as const;

const names = new Map<unknown, string>([
  [Number, 'Number'],
  [String, 'String'],
  [Array, 'Array'],
  [Function, 'Function'],
]);

/** Returns what memcached says of wrong arguments: of the last that is wrong. */
export function validateQuery(query: Query, config: Config): string | undefined {
  let problem: string | undefined;
  for (const [name, type] of query.validate ?? []) {
    const value = (query as unknown as Record<string, unknown>)[name];
    const typeName = names.get(type);
    if (typeName === undefined || (type === Function && isCallback(value))) continue;
    if (Object.prototype.toString.call(value) !== `[object ${typeName}]`)
      problem = `Argument "${name}" is not a valid ${typeName}.`;
    else if (name === 'key' && problem === undefined) problem = keyProblem(query, config);
  }
  return problem;
}

/** An async function, too; memcached wants none of them. Without a callback the result is ignored. */
function isCallback(value: unknown): boolean {
  return value === undefined || typeof value === 'function';
}

function keyProblem(query: Query, config: Config): string | undefined {
  if (typeof query.key === 'string') return problemOf(query.key, 'key', config);
  let problem: string | undefined;
  query.serverKeys?.forEach((key, index) => {
    problem = problemOf(key, String(index), config) ?? problem;
  });
  return problem;
}

function problemOf(key: string, name: string, { maxKeySize, keyCompression }: Config): string | undefined {
  if (key.length > maxKeySize)
    return keyCompression ? undefined : `Argument "${name}" is longer than the maximum allowed length of ${maxKeySize}`;
  if (/\s/.test(key)) return 'The key should not contain any whitespace or new lines';
  return undefined;
}

/** Returns the key that is sent: its md5 if it is too long. */
export function wireKey(key: string, { maxKeySize, keyCompression }: Config): string {
  return key.length > maxKeySize && keyCompression ? createHash('md5').update(key).digest('hex') : key;
}
