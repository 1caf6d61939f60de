/** The options of memcached 2.2.2: their defaults, and which of them have no meaning here. */

import type { ClientOptions } from '../../index';
import { warnOnce } from '../warn-once';
import type { IssueConfig } from './issue-log';

export interface MemcachedOptions {
  /** Characters of a key. Default 250. */
  maxKeySize?: number | undefined;
  /** No effect, as in memcached 2.2.2. */
  maxExpiration?: number | undefined;
  /** Bytes of a value. Default 1,048,576. */
  maxValue?: number | undefined;
  /** Operations in flight; above it they fail with `over queue limit`. Default -1: none is refused. */
  maxQueueSize?: number | undefined;
  /** The digest that keys are placed by. Default `'md5'`. */
  algorithm?: string | ((text: string) => Uint8Array | string) | undefined;
  /** Default `'ketama'`. `'hash_ring'`: as Python's package of that name. */
  compatibility?: string | undefined;
  /** As it is spelled in memcached's documentation, for `compatibility`. */
  compatiblity?: string | undefined;
  /** No effect: one connection to each server carries everything. */
  poolSize?: number | undefined;
  /** No effect: one connection to each server carries everything. */
  retries?: number | undefined;
  /** No effect: one connection to each server carries everything. */
  factor?: number | undefined;
  /** No effect: one connection to each server carries everything. */
  minTimeout?: number | undefined;
  /** No effect: one connection to each server carries everything. */
  maxTimeout?: number | undefined;
  /** No effect: one connection to each server carries everything. */
  randomize?: boolean | undefined;
  /** Milliseconds between attempts to reach a dead server. Default 10,000 (memcached: five hours). */
  reconnect?: number | undefined;
  /** Milliseconds within which an operation succeeds or fails, connecting included. Default 5000. */
  timeout?: number | undefined;
  /** Failures until a server is dead. Default 5. */
  failures?: number | undefined;
  /** Milliseconds after which its failures are forgotten. Default 300,000. */
  failuresTimeout?: number | undefined;
  /** Milliseconds that a server which failed is left alone. Default 2000 (memcached: 30,000). */
  retry?: number | undefined;
  /** No effect: an idle connection stays open, and keeps no process alive. */
  idle?: number | undefined;
  /** Dead servers leave the ring, and come back when they answer. Default false: their keys fail. */
  remove?: boolean | undefined;
  /** With `remove`: servers that take the places of dead ones. */
  failOverServers?: string | string[] | null | undefined;
  /** No effect; in memcached 2.2.2 it throws. */
  redundancy?: number | boolean | undefined;
  /** Keys above `maxKeySize` become their md5. Default true; false: they fail. */
  keyCompression?: boolean | undefined;
  /** Put before every key. */
  namespace?: string | undefined;
  /** No effect: see docs/observability.md. */
  debug?: boolean | undefined;
  /** Not in memcached: options of this package's clients, one of which is made for each server. */
  client?: Omit<ClientOptions, 'codec' | 'timeout' | 'failSoft'> | undefined;
}

/** memcached's own, but for `retry` and `reconnect`: 30 s and five hours keep out servers that were just restarted. */
export const defaults = {
  maxKeySize: 250,
  maxExpiration: 2_592_000,
  maxValue: 1_048_576,
  activeQueries: 0,
  maxQueueSize: -1,
  algorithm: 'md5',
  compatibility: 'ketama',
  poolSize: 10,
  retries: 5,
  factor: 3,
  minTimeout: 1000,
  maxTimeout: 60_000,
  randomize: false,
  reconnect: 10_000,
  timeout: 5000,
  failures: 5,
  failuresTimeout: 300_000,
  retry: 2000,
  idle: 5000,
  remove: false,
  redundancy: false,
  keyCompression: true,
  namespace: '',
  debug: false,
} as const satisfies MemcachedOptions & { activeQueries: number };

/** What a client has as members: memcached lets them be read, and some be changed, while it works. */
export interface Config extends IssueConfig {
  maxKeySize: number;
  maxValue: number;
  maxQueueSize: number;
  algorithm: string | ((text: string) => Uint8Array | string);
  compatibility: string | undefined;
  compatiblity?: string;
  timeout: number;
  remove: boolean;
  failOverServers?: string | string[] | null;
  keyCompression: boolean;
  namespace: string;
  client?: MemcachedOptions['client'];
}

const oneConnection = 'one connection to each server carries everything';
const withoutEffect: Readonly<Partial<Record<keyof typeof defaults, string>>> = {
  poolSize: oneConnection,
  retries: oneConnection,
  factor: oneConnection,
  minTimeout: oneConnection,
  maxTimeout: oneConnection,
  randomize: oneConnection,
  idle: 'an idle connection stays open, and keeps no process alive',
  maxExpiration: 'memcached 2.2.2 ignores it, too',
  redundancy: 'in memcached 2.2.2 it throws',
  debug: 'see docs/observability.md for what can be watched',
};

/** Warns of the options that were given and have no effect, once a process for each. */
export function warnOfOptionsWithoutEffect(config: Readonly<Record<string, unknown>>): void {
  for (const [name, why] of Object.entries(withoutEffect)) {
    const isGiven = config[name] !== undefined && config[name] !== defaults[name as keyof typeof defaults];
    if (isGiven) warnOnce('libmemcached/memcached', name, why);
  }
}
