/**
 * A client's servers: their names, where keys go, the behaviors in force, and what was counted.
 *
 * A server is known by its id, which completions name: at first its place in the list. One that stays when the list is
 * changed keeps its id, and the id of one that left may be given to another.
 */

import type { NativeBehaviors, NativeClient } from '../addon/addon';
import { ErrorCounts, serverMetrics, type ServerMetrics } from '../observability/metrics';
import { keyBytes, type Key } from '../options/keys';
import { serverName, toNative, type ServerAddress } from '../options/servers';

/** The distribution's choice, the hash function's value, the server's id and its state. */
export type Route = [hash: number, digest: number, server: number, state: number];

/** Servers as they were given, and what that means. */
export interface ServerList {
  readonly list: readonly string[];
  readonly addresses: readonly ServerAddress[];
}

export class Servers {
  /** Errors that callers got. */
  readonly errors = new ErrorCounts();
  readonly #native: NativeClient;
  #list: readonly string[];
  #ids: readonly number[];
  /** By id; also of those that left the list. */
  readonly #addresses: ServerAddress[];
  readonly #names: string[];

  constructor(client: NativeClient, { list, addresses }: ServerList) {
    this.#native = client;
    this.#list = Object.freeze(list);
    this.#ids = addresses.map((_address, index) => index);
    this.#addresses = [...addresses];
    this.#names = addresses.map(serverName);
  }

  /** Of the servers in the list, in its order. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  get count(): number {
    return this.#ids.length;
  }

  /** The list. */
  get addresses(): readonly ServerAddress[] {
    return this.#ids.map((id) => this.#addresses[id] as ServerAddress);
  }

  /** The list, as it was given. */
  get list(): readonly string[] {
    return this.#list;
  }

  /** Changes the list. */
  set({ list, addresses }: ServerList): void {
    this.#list = Object.freeze(list);
    this.#ids = this.#native.setServers(addresses.map(toNative));
    for (const [index, id] of this.#ids.entries()) {
      const address = addresses[index] as ServerAddress;
      const name = serverName(address);
      if (this.#names[id] !== name) this.errors.forget(id);
      this.#addresses[id] = address;
      this.#names[id] = name;
    }
  }

  /** Returns `host:port` or the path. */
  name(id: number): string {
    return this.#names[id] ?? '';
  }

  /** Returns the host or path, and the port: 0 for a Unix socket. */
  address(id: number): ServerAddress | undefined {
    return this.#addresses[id];
  }

  /** `replica`: how many servers after the key's own. */
  route(key: Key, replica = 0): Route {
    return this.#native.route(keyBytes(key), replica);
  }

  getBehaviors(): NativeBehaviors {
    return this.#native.getBehaviors();
  }

  metrics(): ServerMetrics[] {
    const numbers = this.#native.metrics();
    return this.#ids.map((id, index) =>
      serverMetrics(this.name(id), numbers[index] as Float64Array, this.errors.of(id)),
    );
  }
}
