/** Runs a query with a client of one server, and makes of its answer what memcached 2.2.2 would. */

import { BadKeyProvided, ClientError, codecs, NotFound, type Client, type Codec, type Serialized } from '../../index';
import { cachedump } from './cachedump';
import type { Config } from './config';
import { wireKey, type Query } from './query';
import { statistics, versionData } from './statistics';

/** What a callback is called with. Other errors than these are failures, and not answers. */
export interface Answer {
  error?: Error & { notStored?: boolean };
  result?: unknown;
}

const Flag = { Json: 2, Binary: 4, Number: 8 } as const;

/** Values go through as they were serialized by the method, whose errors are thrown at once. */
export const wireCodec: Codec = Object.freeze({
  name: 'memcached',
  zlib: false,
  serialize: (value: unknown) => value as Serialized,
  deserialize(data: Buffer, flags: number): unknown {
    // What is no number is NaN, and what has flags of others is text.
    if (flags === Flag.Number) return Number(data.toString('latin1'));
    const isKnown = flags === Flag.Json || flags === Flag.Binary;
    return codecs.memcached.deserialize(data, isKnown ? flags : 0);
  },
});

/** Rejects with the client's errors where there is no answer. */
export async function execute(query: Query, server: string, client: Client, config: Config): Promise<Answer> {
  try {
    return await answerOf(query, server, client, config);
  } catch (error) {
    const isNoStatus = error instanceof ClientError && (query.type === 'incr' || query.type === 'decr');
    if (isNoStatus) return refusal('cannot increment or decrement non-numeric value');
    if (error instanceof BadKeyProvided) return { error, result: false };
    throw error;
  }
}

async function answerOf(query: Query, server: string, client: Client, config: Config): Promise<Answer> {
  const { type, lifetime = 0 } = query;
  const key = typeof query.key === 'string' ? wireKey(query.key, config) : '';
  const stored = (isStored: boolean): Answer =>
    isStored ? { result: true } : { ...refusal('Item is not stored', { notStored: true }) };
  if (!Number.isInteger(lifetime)) return refusal('bad command line format');
  // Negative means gone at once.
  const time = lifetime < 0 ? new Date(0) : lifetime;
  const value = [query.value, query.flags ?? 0];
  switch (type) {
    case 'get':
      return { result: query.multi === true ? await getMulti(query, client, config) : await client.get(key) };
    case 'gets':
      return { result: await gets(key, client) };
    case 'set':
      return stored(await client.set(key, value, time));
    case 'add':
      return stored(await client.add(key, value, time));
    case 'replace':
      return stored(await client.replace(key, value, time));
    case 'append':
      return stored(await client.append(key, String(query.value)));
    case 'prepend':
      return stored(await client.prepend(key, String(query.value)));
    case 'cas':
      return swap(key, value, time, query.cas, client);
    case 'incr':
    case 'decr':
      return adjust(type, key, Number(query.value), client);
    case 'delete':
      return { result: await client.delete(key) };
    case 'touch':
      return { result: await client.touch(key, time) };
    case 'version':
      return { result: [...(await client.version()).values()].map((text) => versionData(server, text))[0] };
    case 'flush_all':
      return { result: await client.flushAll() };
    case 'stats':
    case 'stats settings':
    case 'stats slabs':
    case 'stats items': {
      const [, group] = type.split(' ');
      const [, stats] = (await client.getStats(group))[0] ?? [];
      return { result: statistics(type, server, stats ?? {}) };
    }
    case 'stats cachedump': {
      const items = await cachedump(server, Number(query.slabid), Number(query.number), config.timeout);
      return { result: items.length > 1 ? items : items[0] };
    }
    default:
      throw new TypeError(`libmemcached/memcached cannot send ${JSON.stringify(query.command ?? type)}`);
  }
}

/** An answer that is no failure: the server, or we in its place, refused what was asked. */
function refusal(message: string, about: { notStored?: boolean } = {}): Answer {
  return { error: Object.assign(new Error(message), about), result: false };
}

/** By the keys that were sent. */
async function getMulti(query: Query, client: Client, config: Config): Promise<Record<string, unknown>> {
  const keys = (query.serverKeys ?? []).map((key) => wireKey(key, config));
  return Object.fromEntries(await client.getMulti(keys));
}

async function gets(key: string, client: Client): Promise<Record<string, unknown> | undefined> {
  const [value, cas] = await client.gets(key);
  return cas === undefined ? undefined : { [key]: value, cas: cas.toString() };
}

async function swap(key: string, value: unknown, time: number | Date, cas: unknown, client: Client): Promise<Answer> {
  const token = String(cas);
  if (!/^\d{1,20}$/.test(token)) return refusal('bad command line format');
  try {
    return { result: await client.cas(key, value, BigInt(token), time) };
  } catch (error) {
    if (error instanceof NotFound) return { result: false };
    throw error;
  }
}

async function adjust(type: 'incr' | 'decr', key: string, amount: number, client: Client): Promise<Answer> {
  if (!Number.isInteger(amount) || amount < 0 || amount >= 2 ** 64) return refusal('invalid numeric delta argument');
  try {
    return { result: Number(await client[type](key, BigInt(amount), { bigint: true })) };
  } catch (error) {
    if (error instanceof NotFound) return { result: false };
    throw error;
  }
}
