/** memcached's general statistics, in groups that belong together, each with the way to show it. */

import { byteSize, duration, percentage, wholeNumber } from './format';

export type Stats = Readonly<Record<string, string>>;

export interface StatGroup {
  readonly title: string;
  readonly names: readonly string[];
}

const groups: readonly [title: string, belongs: RegExp][] = [
  ['Server', /^(pid|version|libevent|uptime|time|pointer_size|threads|rusage_\w+)$/],
  ['Memory', /^(bytes|limit_maxbytes|malloc_fails|hash_\w+|slab\w*|log_\w+)$/],
  [
    'Items',
    /^(curr_items|total_items|evictions|reclaimed|evicted_\w+|expired_\w+|crawler_\w+|lru\w*|moves_\w+|store_\w+)$/,
  ],
  ['Operations', /^(cmd_\w+|(get|delete|incr|decr|cas|touch)_\w+|direct_reclaims)$/],
  [
    'Connections',
    /connections?$|conn|^(reserved_fds|time_in_\w+|auth_\w+|accepting_\w+|listen_\w+|threads_\w+|unexpected_\w+|response_obj\w*)$/,
  ],
  ['Network', /^(bytes_\w+|read_buf\w*|badcrc\w*|round_robin\w*)$/],
];

const sizes = /^(bytes|limit_maxbytes|bytes_read|bytes_written|hash_bytes|read_buf_bytes|response_obj_bytes)$/;

/** First in their groups; the rest stays in the server's order. */
const important = [
  ...['version', 'uptime', 'bytes', 'limit_maxbytes', 'curr_items', 'total_items', 'evictions', 'reclaimed'],
  ...['curr_connections', 'max_connections', 'bytes_read', 'bytes_written'],
];

/** The groups that have members; what belongs to none is last. */
export function groupStats(names: readonly string[]): StatGroup[] {
  const rest = new Set([...important.filter((name) => names.includes(name)), ...names]);
  const found = groups.map(([title, belongs]) => {
    const members = [...rest].filter((name) => belongs.test(name));
    for (const name of members) rest.delete(name);
    return { title, names: members };
  });
  return [...found, { title: 'Other', names: [...rest] }].filter((group) => group.names.length > 0);
}

/** A statistic as people read it. */
export function readable(name: string, value: string): string {
  if (!/^\d+$/.test(value) || /^(pid|time|pointer_size)$/.test(name)) return value;
  if (name === 'uptime') return duration(Number(value));
  return sizes.test(name) ? byteSize(Number(value)) : wholeNumber(Number(value));
}

/** What is worth knowing first, and is not a statistic by itself. */
export function headlines(stats: Stats): [name: string, value: string][] {
  const number = (name: string): number => Number(stats[name] ?? Number.NaN);
  const gets = number('get_hits') + number('get_misses');
  return [
    ['hit rate', gets > 0 ? percentage(number('get_hits') / gets) : '-'],
    ['memory used', percentage(number('bytes') / number('limit_maxbytes'))],
  ];
}
