/** A client's servers: their names, where keys go, the behaviors in force, and what was counted. */

import type { NativeBehaviors, NativeClient, NativeServer } from '../addon/addon';
import { ErrorCounts, serverMetrics, type ServerMetrics } from '../observability/metrics';
import { keyBytes, type Key } from '../options/keys';

/** The distribution's choice, the hash function's value, the server's index and its state. */
export type Route = [hash: number, digest: number, server: number, state: number];

export class Servers {
  /** Errors that callers got. */
  readonly errors = new ErrorCounts();
  readonly #native: NativeClient;
  readonly #addresses: readonly NativeServer[];
  readonly #names: readonly string[];

  constructor(client: NativeClient, addresses: readonly NativeServer[], names: readonly string[]) {
    this.#native = client;
    this.#addresses = addresses;
    this.#names = names;
  }

  get count(): number {
    return this.#names.length;
  }

  /** Returns `host:port` or the path. */
  name(index: number): string {
    return this.#names[index] ?? '';
  }

  /** Returns the host or path, and the port: 0 for a Unix socket. */
  address(index: number): NativeServer | undefined {
    return this.#addresses[index];
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
    return numbers.map((server, index) => serverMetrics(this.name(index), server, this.errors.of(index)));
  }
}
