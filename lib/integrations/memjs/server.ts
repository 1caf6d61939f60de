/** A server as memjs has them, with a client of its own. */

import { Client } from '../../index';
import { firstOf } from './arguments';
import { ownOptions, withServerDefaults, type FullServerOptions, type ServerOptions } from './options';

export class Server {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly options: FullServerOptions;
  /** Milliseconds since 1970: with `failover`, until when it is left out. */
  wakeupAt?: number;
  #client: Client | undefined;

  /** @throws as this package's own client does */
  constructor(host: string, port: number, username?: string, password?: string, options: ServerOptions = {}) {
    const { MEMCACHIER_USERNAME, MEMCACHIER_PASSWORD, MEMCACHE_USERNAME, MEMCACHE_PASSWORD } = process.env;
    this.host = host;
    this.port = port;
    this.options = withServerDefaults(options);
    this.username = firstOf(username, this.options.username, MEMCACHIER_USERNAME, MEMCACHE_USERNAME);
    this.password = firstOf(password, this.options.password, MEMCACHIER_PASSWORD, MEMCACHE_PASSWORD);
    this.#client = this.#connect();
  }

  get client(): Client {
    this.#client ??= this.#connect();
    return this.#client;
  }

  /** As it is named in results. */
  get name(): string {
    return `${this.host}:${this.port}`;
  }

  /** Whether an operation's failure was the server's. */
  get isDown(): boolean {
    const state = this.#client?.metrics().servers[0]?.state;
    return state !== undefined && state !== 'up';
  }

  /** Ends the connection. What is in flight is answered; what is called later connects again. */
  close(): void {
    void this.#client?.close();
    this.#client = undefined;
  }

  toString(): string {
    return `<Server ${this.name}>`;
  }

  #connect(): Client {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    const specification = host.startsWith('/') ? host : `${host}:${this.port}`;
    return new Client(specification, ownOptions(this.options, this.username, this.password));
  }
}

/** Reads `[user:password@]host[:port],…`; also `[::1]:port` and the path of a Unix socket. */
export function parseServers(text: string, options: ServerOptions | undefined): Server[] {
  return text.split(',').map((part) => {
    const at = part.lastIndexOf('@');
    const [, username, password] = /^([^:]*):?(.*)$/s.exec(part.slice(0, Math.max(at, 0))) ?? [];
    const place = part.slice(at + 1).trim();
    const [, inBrackets, plain, port] = /^(?:\[(.*)\]|([^:]*)):?(.*)$/s.exec(place) ?? [];
    return new Server(inBrackets ?? plain ?? '', Number(firstOf(port) ?? 11211), username, password, options);
  });
}
