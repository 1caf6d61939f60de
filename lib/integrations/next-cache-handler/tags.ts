/**
 * Tags, shared by all instances. Each has a state of its own in memcached, with random marks: whoever revalidates the tag
 * changes them, and entries that were made under others are not fresh. Marks and not times, because machines' clocks differ.
 * A state that was evicted is replaced, with marks that no entry has: entries of unknown freshness are not served.
 */

import { createHash, randomBytes } from 'node:crypto';

import { NotFound, type Client } from '../../index';
import type { StoredEntry } from './entry-format';
import type { NextDurations } from './types';

interface Mark {
  id: string;
  /** Milliseconds since 1970. For entries that do not know this tag's marks: those of paths, of which a fetch has many. */
  at: number;
}

export interface TagState {
  /** Entries that were made under another one are gone. */
  hard: Mark;
  /** Entries that were made under another one are stale. */
  soft: Mark;
  /** Milliseconds since 1970: from when stale ones are gone, too. */
  expired?: number;
}

export type Freshness = 'fresh' | 'stale' | 'gone';

/** Reads and writes until nobody was faster. */
const maxAttempts = 5;

function newMark(): Mark {
  return { id: randomBytes(9).toString('base64url'), at: Date.now() };
}

/** A state under which no entry was made. */
function newState(): TagState {
  const mark = newMark();
  return { hard: mark, soft: mark };
}

export class Tags {
  readonly #client: Client;
  readonly #keyPrefix: string;
  /** Revalidations that could not be written: they are repeated until they are, and count here at once. */
  readonly #unwritten = new Map<string, { durations: NextDurations | undefined }>();

  constructor(client: Client, keyPrefix: string) {
    this.#client = client;
    this.#keyPrefix = keyPrefix;
  }

  /** Reads the states of tags. One that has none gets one. */
  async read(tags: Iterable<string>): Promise<Map<string, TagState>> {
    // If this fails again, only entries with these tags are treated as gone.
    if (this.#unwritten.size > 0) await this.#write([...this.#unwritten.keys()]);
    const states = new Map<string, TagState>();
    let missing = [...new Set(tags)];
    for (let attempt = 0; missing.length > 0 && attempt < maxAttempts; attempt += 1) {
      const found = await this.#client.getMulti<TagState>(missing.map((tag) => this.#key(tag)));
      for (const tag of missing) {
        const state = found.get(this.#key(tag));
        if (state !== undefined) states.set(tag, state);
      }
      missing = missing.filter((tag) => !states.has(tag));
      if (missing.length === 0) break;
      const made = new Map(missing.map((tag) => [tag, newState()]));
      // Another instance may have added one first: it is read in the next round.
      const added = await this.#client.addMulti([...made].map(([tag, state]) => [this.#key(tag), state] as const));
      const refused = new Set(added);
      missing = missing.filter((tag) => refused.has(this.#key(tag)));
      for (const [tag, state] of made) if (!missing.includes(tag)) states.set(tag, state);
    }
    return states;
  }

  /** Never rejects: what fails is repeated. Resolves with the errors. */
  async revalidate(tags: readonly string[], durations: NextDurations | undefined): Promise<unknown[]> {
    for (const tag of tags) {
      const earlier = this.#unwritten.get(tag);
      // Gone at once outdoes stale.
      const isGone = earlier !== undefined && earlier.durations === undefined;
      this.#unwritten.set(tag, { durations: isGone ? undefined : durations });
    }
    return this.#write(tags);
  }

  /** Whether an entry that has these tags is fresh. */
  check({ marks, lastModified }: StoredEntry, tags: Iterable<string>, states: Map<string, TagState>): Freshness {
    let freshness: Freshness = 'fresh';
    for (const tag of tags) {
      const state = states.get(tag);
      if (state === undefined || this.#unwritten.has(tag)) return 'gone';
      const known = marks[tag];
      const isOther = (mark: Mark, id?: string): boolean =>
        id === undefined ? mark.at > lastModified : mark.id !== id;
      if (isOther(state.hard, known?.hard)) return 'gone';
      if (!isOther(state.soft, known?.soft)) continue;
      if (state.expired !== undefined && state.expired <= Date.now()) return 'gone';
      freshness = 'stale';
    }
    return freshness;
  }

  async #write(tags: readonly string[]): Promise<unknown[]> {
    const results = await Promise.allSettled(tags.map((tag) => this.#writeOne(tag)));
    return results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  }

  async #writeOne(tag: string): Promise<void> {
    const revalidation = this.#unwritten.get(tag);
    if (revalidation === undefined) return; // another request has written it
    const { durations } = revalidation;
    if (durations === undefined) await this.#client.set(this.#key(tag), newState());
    else await this.#makeStale(this.#key(tag), durations);
    // Unless it was revalidated once more while this was written.
    if (this.#unwritten.get(tag) === revalidation) this.#unwritten.delete(tag);
  }

  /** With `cas`, so that it does not undo another instance's revalidation. */
  async #makeStale(key: string, { expire }: NextDurations): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const [state, cas] = await this.#client.gets<TagState>(key);
      if (state === undefined) {
        if (await this.#client.add(key, newState())) return;
        continue;
      }
      const stale: TagState = { hard: state.hard, soft: newMark() };
      if (expire !== undefined) stale.expired = Date.now() + expire * 1000;
      try {
        if (await this.#client.cas(key, stale, cas)) return;
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
      }
    }
    await this.#client.set(key, newState());
  }

  /** Tags may have any characters, and be longer than keys. */
  #key(tag: string): string {
    return `${this.#keyPrefix}tag:${createHash('sha256').update(tag).digest('base64url')}`;
  }
}
