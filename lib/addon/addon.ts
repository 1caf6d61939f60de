/** The native addon: what it exports, and nothing else about it. */

import { loadBinary } from './binary';
import type { Handover, ServerEvent, SocketEvent } from './record-layout';

export interface NativeServer {
  transport: 1 | 2 | 4;
  host: string;
  port: number;
  weight: number;
}

/** Behaviors as libmemcached has them: numbers, and the namespace. */
export type NativeBehaviors = Record<string, number | string>;

export interface NativeClientOptions {
  servers: readonly NativeServer[];
  /** Which protocol: binary, or text. */
  binary: boolean;
  /** Streams lie over sockets that JavaScript opens, see openSocket. */
  isTls?: boolean;
  /** What is called waits for setServers(), or fails by failHeld(): the list is to be discovered. */
  awaitsServers?: boolean;
  username?: string;
  password?: string;
  behaviors: NativeBehaviors;
  /** The client's, in milliseconds: how long a silent server is waited for at least. */
  timeout: number;
  /** Undo zlib where the flags say so. */
  inflate: boolean;
  /** Bytes that one value may become when it is inflated. */
  maxInflated: number;
  submission: Uint8Array;
  records: Uint32Array;
  bytes: Uint8Array;
}

/** native/binding/client.h */
export interface NativeClient {
  submit(byteLength: number, handover: Handover): void;
  /** Copies a large value for the next submission; returns its length in bytes. */
  stage(value: string | Uint8Array): number;
  /** True: it will not be sent. False: it was sent already. It is completed either way, later. */
  cancel(slot: number): boolean;
  /**
   * Reads what has arrived on every connection, and delivers it before it returns. True: there is more, but the time for
   * one turn of the loop is used up.
   */
  receive(): boolean;
  setBehaviors(behaviors: NativeBehaviors): void;
  getBehaviors(): NativeBehaviors;
  /** What the distribution says (pylibmc's `hash`), the hash function's value, the server's id and state. */
  /** `replica`: the server is so many after the key's own. */
  route(key: Uint8Array, replica: number): [hash: number, digest: number, server: number, state: number];
  /** Goes on delivering, after `yield`. */
  resume(): void;
  /** For each server its counters, in the order of native/binding/metrics.h. */
  metrics(): Float64Array[];
  /** The servers from now on, in this order; those that stay keep their connections. Returns the id of each: at first, its place. */
  setServers(servers: readonly NativeServer[]): number[];
  failHeld(reason: string): void;
  /** `data`: of Data the bytes, of Written how many, of Closed what broke the socket, if anything. */
  reportSocket(id: number, event: SocketEvent, data?: Uint8Array | number | string): void;
  stop(): void;
  /** Called with completions: how many records, and the large values that did not fit beside them. */
  deliver?: (count: number, blocks: readonly Buffer[] | undefined) => void;
  /** Called when something is to be delivered later: other phases of the event loop go first. */
  yield?: () => void;
  /** Called when something happened to a server or its connection: which, by its id, its states, and why. */
  report?: (event: ServerEvent, server: number, previous: number, state: number, reason: string) => void;
  /** With `isTls`: opens a socket, writes to it, closes it. What becomes of it is told to reportSocket(). */
  openSocket?: (id: number, host: string, port: number) => void;
  writeSocket?: (id: number, bytes: Buffer) => void;
  closeSocket?: (id: number) => void;
}

interface Addon {
  NativeClient: new (options: NativeClientOptions) => NativeClient;
  /** kind: 0 boolean, 1 unsigned, 2 hash, 3 distribution. */
  behaviors: readonly { name: string; kind: 0 | 1 | 2 | 3 }[];
  hashers: Record<string, number>;
  distributions: Record<string, number>;
  returnCodes: Record<string, number>;
  /** Upper bounds of the latency histogram's buckets but the last, in nanoseconds. */
  latencyBounds: readonly number[];
  libmemcachedVersion: string;
  supportSasl: boolean;
  /** Milliseconds of the clock that deadlines are on. */
  now(): number;
}

export const native = loadBinary() as Addon;
