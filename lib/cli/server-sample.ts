/** What `watch` shows of a server: two readings of its statistics, and what happened in between. */

import type { Stats } from './stat-groups';

export interface Reading {
  /** performance.now() */
  readonly at: number;
  readonly stats: Stats;
}

/** Rates are a second; null where they are not known (yet). */
export interface Sample {
  readonly hitRate: number | null;
  readonly operations: number | null;
  readonly gets: number | null;
  readonly sets: number | null;
  readonly evicting: number | null;
  readonly bytes: number | null;
  readonly limitBytes: number | null;
  readonly items: number | null;
  readonly evictions: number | null;
  readonly connections: number | null;
  readonly uptime: number | null;
}

/** `cmd_set` counts all ways to store; gets of every kind are in `cmd_get`. */
const operationNames = [
  ...['cmd_get', 'cmd_set', 'cmd_touch', 'cmd_flush', 'delete_hits', 'delete_misses'],
  ...['incr_hits', 'incr_misses', 'decr_hits', 'decr_misses'],
];

export function sampleOf(now: Reading, before: Reading | undefined): Sample {
  const value = (name: string): number | null => numberOf(now.stats[name]);
  // A server that was restarted counts from 0.
  const isSame = before !== undefined && (value('uptime') ?? 0) >= (numberOf(before.stats.uptime) ?? 0);
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000;
  const gained = (names: readonly string[]): number | null => {
    if (!isSame || seconds <= 0) return null;
    const sum = (stats: Stats): number => names.reduce((total, name) => total + (numberOf(stats[name]) ?? 0), 0);
    return Math.max(0, sum(now.stats) - sum(before.stats));
  };
  const rate = (names: readonly string[]): number | null => {
    const gain = gained(names);
    return gain === null ? null : gain / seconds;
  };
  return {
    hitRate: hitRate(gained(['get_hits']), gained(['get_misses'])) ?? hitRate(value('get_hits'), value('get_misses')),
    operations: rate(operationNames),
    gets: rate(['cmd_get']),
    sets: rate(['cmd_set']),
    evicting: rate(['evictions']),
    bytes: value('bytes'),
    limitBytes: value('limit_maxbytes'),
    items: value('curr_items'),
    evictions: value('evictions'),
    connections: value('curr_connections'),
    uptime: value('uptime'),
  };
}

function hitRate(hits: number | null, misses: number | null): number | null {
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses);
}

function numberOf(text: string | undefined): number | null {
  const number = Number(text);
  return text === undefined || Number.isNaN(number) ? null : number;
}
