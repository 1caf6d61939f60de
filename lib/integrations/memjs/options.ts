/** The options of memjs 1.3.2: their defaults, and what this package's clients make of them. */

import type { Behaviors, ClientOptions as OwnOptions } from '../../index';
import { warnOnce } from '../warn-once';

/* eslint-disable @typescript-eslint/no-explicit-any -- as @types/memjs has it */
export interface Logger {
  log(...args: any[]): void;
}
/* eslint-enable @typescript-eslint/no-explicit-any */

/** `extras`: of a write, its flags (4 bytes) and its expiry (4 bytes), which it may change; of a read, the flags. */
export interface Serializer<TIn, TOut> {
  serialize(opcode: number, value: TIn, extras: Buffer): { value: string | Buffer; extras: Buffer };
  deserialize(opcode: number, value: Buffer | null, extras: Buffer): { value: TOut; extras: Buffer };
}

export interface ClientOptions<TIn = string | Buffer, TOut = Buffer | null> {
  /** Whether the next server of the list takes the keys of one that failed. Default false. */
  failover?: boolean;
  /** Seconds that a server which failed is left out. Default 60. */
  failoverTime?: number | undefined;
  /** Attempts of an operation until its server counts as failed. Default 2. */
  retries?: number | undefined;
  /** Seconds between them. Default 0.2. */
  retry_delay?: number | undefined;
  /** Seconds until a value expires, where an operation does not say. Default 0: never. */
  expires?: number | undefined;
  /** Default: the console. */
  logger?: Logger | undefined;
  /** Default: values are strings or bytes, and are read as Buffers. */
  serializer?: Serializer<TIn, TOut>;
}

export interface ServerOptions {
  username?: string | undefined;
  password?: string | undefined;
  /** Seconds within which an operation succeeds or fails, connecting included. Default 0.5. */
  timeout?: number | undefined;
  /** Seconds for connecting. No effect above `timeout`. */
  conntimeout?: number | undefined;
  /** Default false. */
  keepAlive?: boolean | undefined;
  /** No effect: the system's own delay. */
  keepAliveDelay?: number | undefined;
  /** Not in memjs: options of this package's clients, one of which is made for each server. */
  client?: Omit<OwnOptions, 'codec' | 'timeout' | 'failSoft' | 'username' | 'password'> | undefined;
}

export interface InsertOptions {
  /** Seconds until it expires. Default: the client's `expires`. */
  expires?: number | undefined;
}

export interface IncrementDecrementOptions extends InsertOptions {
  /** The value of a counter that does not exist. Default 0. */
  initial?: number | undefined;
}

export const passThrough: Serializer<never, never> = {
  serialize: (_opcode, value, extras) => ({ value, extras }),
  deserialize: (_opcode, value, extras) => ({ value: value as never, extras }),
};

const clientDefaults = { failoverTime: 60, retries: 2, retry_delay: 0.2, expires: 0 };

/** An option that is null counts as not given, as in memjs. */
function given<O extends object>(options: O): Partial<O> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries) as Partial<O>;
}

export type FullClientOptions<TIn, TOut> = ClientOptions<TIn, TOut> &
  typeof clientDefaults & { logger: Logger; serializer: Serializer<TIn, TOut> };

export function withClientDefaults<TIn, TOut>(options: ClientOptions<TIn, TOut>): FullClientOptions<TIn, TOut> {
  const serializer = passThrough as unknown as Serializer<TIn, TOut>;
  return { ...clientDefaults, logger: console, serializer, ...given(options) } as FullClientOptions<TIn, TOut>;
}

export interface FullServerOptions extends ServerOptions {
  timeout: number;
  keepAlive: boolean;
}

export function withServerDefaults(options: ServerOptions): FullServerOptions {
  return { timeout: 0.5, keepAlive: false, ...given(options) } as FullServerOptions;
}

/** The options of the client of one server. */
export function ownOptions(options: FullServerOptions, username?: string, password?: string): OwnOptions {
  const { timeout, conntimeout, keepAlive, keepAliveDelay, client = {} } = options;
  const warn = (name: string, why: string): void => {
    warnOnce('libmemcached/memjs', name, why);
  };
  if (keepAlive && keepAliveDelay !== undefined && keepAliveDelay !== 30)
    warn('keepAliveDelay', 'the system has its own delay');
  if (conntimeout !== undefined && conntimeout > timeout)
    warn('conntimeout', 'an operation has its timeout for connecting, too, and it is shorter');
  const behaviors: Partial<Behaviors> = {
    // Whoever asks tries again, as with memjs.
    retry_timeout: 0,
    tcp_keepalive: keepAlive,
    ...(conntimeout === undefined ? {} : { connect_timeout: Math.ceil(conntimeout * 1000) }),
    ...client.behaviors,
  };
  const credentials = username && password ? { username, password } : {};
  return { binary: true, ...client, ...credentials, timeout: timeout * 1000, behaviors, codec: 'raw' };
}
