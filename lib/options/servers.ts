/** Server specifications: pylibmc's grammar (its `translate_server_spec`). */

import type { NativeServer } from '../addon/addon';
import { describeType } from '../describe-type';
import { assertWellFormed } from '../well-formed';

export const Transport = { Tcp: 1, Udp: 2, Unix: 4 } as const;
export type Transport = (typeof Transport)[keyof typeof Transport];

export interface ServerAddress {
  readonly transport: Transport;
  /** Host name, address without brackets, or the path of a Unix socket. */
  readonly host: string;
  /** 0 for Unix sockets. */
  readonly port: number;
  readonly weight: number;
}

const defaultPort = 11211;
/** Of a Unix socket's path: the system's limit. */
const maxSocketPathBytes = 107;
/** libmemcached's ketama continuum has room for no more. */
const maxServers = 100;

/**
 * Parses one specification: `host`, `host:port`, `host:port:weight`, `[::1]`, `[::1]:port`, `[::1]:port:weight`,
 * `/path/to.sock`, and `udp:` before any host form. The default port is 11211, the default weight 1.
 *
 * @throws TypeError if it is not a string, or malformed
 * @throws RangeError if a port is not in 1 … 65535 or a weight not in 1 … 65535
 */
export function parseServer(spec: string): ServerAddress {
  if (typeof spec !== 'string') throw new TypeError(`a server must be a string, not ${describeType(spec)}`);
  assertWellFormed(spec, 'a server specification');
  const malformed = (why: string): TypeError =>
    new TypeError(`malformed server specification ${JSON.stringify(spec)}: ${why}`);
  if (spec.startsWith('/')) {
    if (Buffer.byteLength(spec) > maxSocketPathBytes)
      throw malformed(`a Unix socket's path has at most ${String(maxSocketPathBytes)} bytes`);
    if (spec.includes('\0')) throw malformed('a zero byte in the path');
    return { transport: Transport.Unix, host: spec, port: 0, weight: 1 };
  }
  // Not quoted: it may hold a password.
  if (spec.includes('://'))
    throw new TypeError('a URL names all servers, separated by commas: it cannot be one of several');
  const isUdp = spec.startsWith('udp:');
  const rest = isUdp ? spec.slice(4) : spec;
  let host: string;
  let tail: string | undefined;
  if (rest.startsWith('[')) {
    const end = rest.indexOf(']');
    if (end < 0) throw malformed('"[" without "]"');
    host = rest.slice(1, end);
    tail = rest.slice(end + 1);
    if (tail !== '' && !tail.startsWith(':')) throw malformed('only a port can follow "]"');
    tail = tail === '' ? undefined : tail.slice(1);
  } else {
    const colon = rest.indexOf(':');
    host = colon < 0 ? rest : rest.slice(0, colon);
    tail = colon < 0 ? undefined : rest.slice(colon + 1);
  }
  if (host === '') throw malformed('no host');
  if (/[\s\0/[\],]/.test(host)) throw malformed('not a host name or an address');
  const parts = tail === undefined ? [] : tail.split(':');
  if (parts.length > 2) throw malformed('IPv6 addresses are written in brackets, as in "[::1]:11211"');
  const port = parts[0] === undefined ? defaultPort : wholeNumber(parts[0], 'port', spec, malformed);
  const weight = parts[1] === undefined ? 1 : wholeNumber(parts[1], 'weight', spec, malformed);
  return { transport: isUdp ? Transport.Udp : Transport.Tcp, host, port, weight };
}

function wholeNumber(text: string, what: string, spec: string, malformed: (why: string) => TypeError): number {
  if (!/^\d+$/.test(text)) throw malformed(`the ${what} is not a number`);
  const number = Number(text);
  if (number < 1 || number > 65535) throw new RangeError(`the ${what} in ${JSON.stringify(spec)} must be 1 … 65535`);
  return number;
}

/**
 * A client's servers as a list: an array as it is, a string split at its commas. (A Unix socket whose path has a comma has
 * to be given in an array.)
 *
 * @throws TypeError
 */
export function serverList(servers: string | readonly string[]): readonly string[] {
  const given: unknown = servers;
  if (typeof given === 'string') return given.split(',').map((server) => server.trim());
  if (!Array.isArray(given)) throw new TypeError('servers must be a string or an array of strings');
  return [...(given as readonly string[])];
}

/**
 * Parses a client's servers.
 *
 * @throws TypeError for no servers, mixed transports or a malformed specification
 * @throws RangeError for more than 100 servers
 */
export function parseServers(specs: string | readonly string[]): ServerAddress[] {
  const list = serverList(specs);
  if (list.length === 0) throw new TypeError('servers must not be empty: pass at least one, such as "127.0.0.1:11211"');
  if (list.length > maxServers)
    throw new RangeError(`${String(list.length)} servers; libmemcached takes at most ${String(maxServers)}`);
  const servers = list.map(parseServer);
  const first = servers[0];
  if (servers.some((server) => server.transport !== first?.transport))
    throw new TypeError('a client cannot mix TCP, UDP and Unix-socket servers: use one client for each');
  return servers;
}

/** How a server is named in errors and in `serverFor`: `host:port` or the path. */
export function serverName(server: ServerAddress): string {
  if (server.transport === Transport.Unix) return server.host;
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return `${host}:${String(server.port)}`;
}

export function toNative(server: ServerAddress): NativeServer {
  return { transport: server.transport, host: server.host, port: server.port, weight: server.weight };
}
