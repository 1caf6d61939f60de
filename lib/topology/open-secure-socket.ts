/** Opens a socket with TLS. */

import type * as tls from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** An IPv4 address, or an IPv6 one: no name has a colon. */
const isAddress = /^[\d.]+$|:/;

/** node:tls, loaded where it is used: it takes longer than all the rest. */
export function loadTls(): typeof tls {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require('node:tls') as typeof tls;
}

/** @throws what is wrong with the options */
export function openSecureSocket(host: string, port: number, options: ConnectionOptions): TLSSocket {
  return loadTls().connect({
    // A server that is addressed by its number has no name to be asked for.
    ...(isAddress.test(host) ? {} : { servername: host }),
    ...options,
    host,
    port,
  });
}
