/** `libmemcached/next-cache-handler`: a cache handler for Next.js 16 that several instances of an application share. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client, type ClientOptions } from '../index';
import { packEntry, unpackEntry, type StoredEntry } from './next-cache-handler/entry-format';
import { Tags, type TagState } from './next-cache-handler/tags';
import type {
  NextCacheControl,
  NextCacheHandler,
  NextContext,
  NextDurations,
  NextEntry,
  NextGetContext,
  NextSetContext,
  NextValue,
} from './next-cache-handler/types';
import { secondsFor } from './seconds';

export interface NextCacheHandlerOptions extends ClientOptions {
  /** Before all keys. Applications that share servers must have different ones. Default `'next:'`. */
  keyPrefix?: string | undefined;
  /**
   * Responses are shared by instances with the same one, as they name files of a build. Default: the build's own, which
   * `generateBuildId` in the configuration of Next chooses.
   */
  buildId?: string | undefined;
  /** As `set` takes it: compress entries of at least this many bytes; 0: never. Default 2048. */
  minCompressLen?: number | undefined;
  /** Called with errors of the cache, which Next is not told of: it renders instead. Default: nothing. */
  onError?: ((error: unknown) => void) | undefined;
}

/** Pages should not wait for a cache for long. */
const defaultTimeout = 500;
const tagsHeader = 'x-next-cache-tags';
const buildPhase = 'phase-production-build';

/**
 * Returns a class for `cacheHandler` in the configuration of Next:
 *
 * ```js
 * // cache-handler.mjs
 * import { nextCacheHandler } from 'libmemcached/next-cache-handler';
 *
 * export default nextCacheHandler(process.env.MEMCACHED);
 * ```
 *
 * `servers`: as `Client` takes them, or a client, whose codec must keep objects and Buffers. The default `timeout` of an own
 * client is 500 ms. Errors of the cache never reach Next. While `next build` runs nothing is read or written.
 *
 * @throws as `Client` does
 */
export function nextCacheHandler(
  servers: string | readonly string[] | Client,
  options: NextCacheHandlerOptions = {},
): new (context?: NextContext) => NextCacheHandler {
  const { keyPrefix = 'next:', minCompressLen = 2048, onError, ...rest } = options;
  let { buildId, ...clientOptions } = rest; // eslint-disable-line prefer-const
  if (servers instanceof Client && Object.keys(clientOptions).length > 0)
    throw new TypeError(`set these options on the client that you pass: ${Object.keys(clientOptions).join(', ')}`);
  const client =
    servers instanceof Client ? servers : new Client(servers, { timeout: defaultTimeout, ...clientOptions });
  const tags = new Tags(client, keyPrefix);

  const isOff = (): boolean => process.env.NEXT_PHASE === buildPhase;
  const report = (error: unknown): void => {
    try {
      onError?.(error);
    } catch {
      // It is about the cache, and must not break a page either.
    }
  };

  /** Next makes one for each request. */
  return class MemcachedCacheHandler implements NextCacheHandler {
    /** The tags as they were before what is stored was made: a revalidation that comes in between must not be missed. */
    readonly #seen = new Map<string, TagState>();

    constructor(context?: NextContext) {
      buildId ??= readBuildId(context?.serverDistDir);
    }

    async get(key: string, context: NextGetContext): Promise<NextEntry | null> {
      if (isOff()) return null;
      try {
        return await this.#get(key, context);
      } catch (error) {
        report(error);
        return null;
      }
    }

    async set(key: string, value: NextValue | null, context: NextSetContext): Promise<void> {
      if (isOff()) return;
      try {
        await this.#set(key, value, context);
      } catch (error) {
        report(error);
      }
    }

    /** What could not be written is written again later; until then this process takes it for written. */
    async revalidateTag(given: string | string[], durations?: NextDurations): Promise<void> {
      if (isOff()) return;
      const names = typeof given === 'string' ? [given] : given;
      for (const error of await tags.revalidate(names, durations)) report(error);
      for (const name of names) this.#seen.delete(name);
    }

    resetRequestCache(): void {
      this.#seen.clear();
    }

    async #get(key: string, { kind, tags: own = [], softTags = [] }: NextGetContext): Promise<NextEntry | null> {
      const isShared = kind === 'FETCH' || kind === 'IMAGE';
      // In one batch: a fetch says its tags.
      const [packed, known] = await Promise.all([
        client.get(this.#key(key, isShared)),
        this.#read([...own, ...softTags]),
      ]);
      if (!Buffer.isBuffer(packed)) return null;
      const entry = unpackEntry(packed);
      const tagsOfEntry = Object.keys(entry.marks);
      const states = new Map([...known, ...(await this.#read(tagsOfEntry.filter((tag) => !known.has(tag))))]);
      const freshness = tags.check(entry, [...tagsOfEntry, ...own, ...softTags], states);
      if (freshness === 'gone') return null;
      const { value, lastModified, cacheControl } = freshness === 'stale' ? aged(entry) : entry;
      return { value, lastModified, ...(cacheControl === undefined ? {} : { cacheControl }) };
    }

    async #set(key: string, value: NextValue | null, context: NextSetContext): Promise<void> {
      const isShared = context.fetchCache === true || value?.kind === 'IMAGE';
      const names = new Set([...(context.tags ?? []), ...(value?.tags ?? []), ...tagsInHeaders(value?.headers)]);
      const unseen = [...names].filter((tag) => !this.#seen.has(tag));
      const states = new Map([...this.#seen, ...(await this.#read(unseen))]);
      const marks = Object.create(null) as StoredEntry['marks']; // a tag may have any name, __proto__ included
      for (const tag of names) {
        const state = states.get(tag);
        if (state === undefined) return; // nobody could ever revalidate it
        marks[tag] = { hard: state.hard.id, soft: state.soft.id };
      }
      const { cacheControl } = context;
      const entry: StoredEntry = { value, lastModified: Date.now(), marks };
      if (cacheControl !== undefined) entry.cacheControl = cacheControl;
      const time = cacheControl?.expire === undefined ? 0 : secondsFor(cacheControl.expire * 1000);
      await client.set(this.#key(key, isShared), packEntry(entry), { time, minCompressLen });
    }

    async #read(names: string[]): Promise<Map<string, TagState>> {
      if (names.length === 0) return new Map();
      const states = await tags.read(names);
      for (const [name, state] of states) if (!this.#seen.has(name)) this.#seen.set(name, state);
      return states;
    }

    /** Next's keys are paths of any length. Fetches and images are not of one build. */
    #key(key: string, isShared: boolean): string {
      const build = isShared ? '' : (buildId ?? '');
      return `${keyPrefix}${createHash('sha256')
        .update(JSON.stringify([build, key]))
        .digest('base64url')}`;
    }
  };
}

function readBuildId(serverDistDir: string | undefined): string {
  if (serverDistDir === undefined) return '';
  try {
    return readFileSync(join(serverDistDir, '../BUILD_ID'), 'utf8').trim();
  } catch {
    return ''; // `next dev` has none
  }
}

function tagsInHeaders(headers: Record<string, unknown> | undefined): string[] {
  const list = headers?.[tagsHeader];
  return typeof list === 'string' && list !== '' ? list.split(',') : [];
}

/** Next serves what is older than `revalidate`, and makes it again in the background. */
function aged(entry: StoredEntry): NextEntry {
  const { value, cacheControl } = entry;
  const age = cacheControl?.revalidate ?? value?.revalidate;
  const seconds = typeof age === 'number' ? age : 1;
  const known: NextCacheControl | undefined = cacheControl && { ...cacheControl, revalidate: seconds };
  return { value, lastModified: Date.now() - seconds * 1000 - 1, cacheControl: known };
}

export type {
  NextCacheControl,
  NextCacheHandler,
  NextContext,
  NextDurations,
  NextEntry,
  NextGetContext,
  NextSetContext,
  NextValue,
};
