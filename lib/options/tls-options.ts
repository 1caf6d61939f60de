/** The option `tls`. */

import type { ConnectionOptions } from 'node:tls';
import { describeType } from '../describe-type';

/** What Node's `tls.connect` takes. */
export type TlsOptions = ConnectionOptions;

/** Said by the list of servers, for each. */
const ofServers = ['host', 'port', 'path', 'socket'] as const;

/**
 * A copy of what was given for `tls`; undefined for no TLS.
 *
 * @throws TypeError unless it is a boolean or an object without an address
 */
export function readTlsOptions(given: unknown): TlsOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`tls must be true, false or options of tls.connect, not ${describeType(given)}`);
  for (const name of ofServers)
    if ((given as TlsOptions)[name] !== undefined)
      throw new TypeError(`tls.${name} is not allowed: the list of servers says where to connect`);
  return { ...given };
}
