/** The servers of a drop-in: which one has a key, a client for each, and what is known of its failures. */

import { Client, ServerDown } from '../../index';
import { wireCodec } from './execute';
import type { Config } from './config';
import { HashRing, type Location } from './hash-ring';
import { IssueLog, type IssueData } from './issue-log';

export type EventName = 'issue' | 'failure' | 'reconnecting' | 'reconnect' | 'remove';

const defaultPort = 11211;
const nothing = (): void => undefined;

/** As memcached names servers: with the port. The path of a Unix socket has none. */
function withPort(server: string): string {
  return server.startsWith('/') || /:\d+$/.test(server) ? server : `${server}:${defaultPort}`;
}

/** As this package names servers: `::1:11211` is `[::1]:11211`. */
function specification(address: string): string {
  const [, host, port] = /^([^[/].*:.*):(\d+)$/.exec(address) ?? [];
  return host === undefined ? address : `[${host}]:${port}`;
}

/** One server of the ring: it keeps its address for life, so who holds it can tell it from its replacement. */
export interface Server {
  readonly address: string;
  readonly client: Client;
  /** Whether it failed, and is left alone. */
  readonly failed: boolean;
}

export class Servers {
  /** As they were given. */
  names: string[];
  readonly ring: HashRing;
  readonly #config: Config;
  readonly #emit: (event: EventName, details: IssueData) => void;
  readonly #clients = new Map<string, Client>();
  readonly #logs = new Map<string, IssueLog>();

  /** `config` is read when a client is made: its owner may change it. */
  constructor(location: Location, config: Config, emit: (event: EventName, details: IssueData) => void) {
    const isList = typeof location === 'string' || Array.isArray(location);
    this.names = isList ? ([] as string[]).concat(location as string | string[]) : Object.keys(location);
    if (this.names.length === 0) throw new Error('No servers where supplied in the arguments');
    const compatibility = config.compatibility ?? config.compatiblity;
    const defaultRingPort = compatibility === 'ketama' ? defaultPort : undefined;
    this.ring = new HashRing(location, { algorithm: config.algorithm, compatibility, defaultPort: defaultRingPort });
    this.#config = config;
    this.#emit = emit;
  }

  /** The name of the server of a key. */
  nameFor(key: string): string | undefined {
    return this.names.length === 1 ? this.names[0] : this.ring.get(key);
  }

  server(name: string): Server {
    const address = withPort(name);
    return { address, client: this.#client(address), failed: this.#logs.get(address)?.failed === true };
  }

  /** Decides whether an operation's error is the server's failure, and records it. */
  recordFailure({ address, client }: Server, error: Error): void {
    // It failed before, and this operation has not tried it; or it is well, and this operation's trouble is its own.
    if (error instanceof ServerDown || client.metrics().servers[0]?.state === 'up') return;
    this.#log(address).log(error.message);
  }

  /** Ends all connections. What is in flight is answered; whatever is called later connects again. */
  end(): void {
    for (const address of this.#clients.keys()) this.#drop(address);
    for (const log of this.#logs.values()) log.stop();
    this.#logs.clear();
  }

  #client(address: string): Client {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const { behaviors, ...options } = this.#config.client ?? {};
    const client = new Client(specification(address), {
      ...options,
      timeout: this.#config.timeout,
      // The log decides when a server is tried again.
      behaviors: { retry_timeout: Math.floor(this.#config.retry / 1000), ...behaviors },
      codec: wireCodec,
    });
    this.#clients.set(address, client);
    return client;
  }

  #drop(address: string): void {
    void this.#clients.get(address)?.close();
    this.#clients.delete(address);
  }

  #log(address: string): IssueLog {
    const known = this.#logs.get(address);
    if (known !== undefined) return known;
    let putBack = nothing;
    const log = new IssueLog(address, this.#config, {
      issue: (details) => {
        this.#emit('issue', details);
      },
      reconnecting: (details) => {
        this.#emit('reconnecting', details);
      },
      reconnected: (details) => {
        putBack();
        this.#emit('reconnect', details);
      },
      dead: (details) => {
        const back = this.#config.remove ? this.#remove(address, details) : nothing;
        if (back === undefined) return;
        putBack = back;
        log.reconnectLater();
      },
      check: () => this.#client(address).version(),
    });
    this.#logs.set(address, log);
    return log;
  }

  /** Takes a dead server out, and returns what puts it back; undefined if a spare one has its place now. */
  #remove(address: string, details: IssueData): (() => void) | undefined {
    const name = this.names.find((given) => withPort(given) === address);
    if (name === undefined) return nothing;
    this.#emit('remove', details);
    this.#drop(address);
    const { failOverServers } = this.#config;
    const spare = Array.isArray(failOverServers) ? failOverServers.shift() : undefined;
    if (spare !== undefined) {
      this.ring.swap(name, spare);
      this.names = this.names.map((other) => (other === name ? spare : other));
      return undefined;
    }
    this.#emit('failure', details);
    // A last server stays: without servers there is nothing to ask.
    if (this.names.length === 1) return nothing;
    const putBackInRing = this.ring.remove(name);
    this.names = this.names.filter((other) => other !== name);
    return () => {
      this.names = [...this.names, name];
      putBackInRing();
    };
  }
}
