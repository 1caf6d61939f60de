/** What is published of an operation when it is traced. Made only then. */

import { operationNames, type Op } from '../addon/record-layout';
import type { Servers } from '../dispatch/servers';
import type { CommandContext } from '../observability/tracing';
import { isBytes } from '../bytes';
import { lengthOf, maxKeyBytes, ownCopy, type Key } from '../options/keys';

interface Described {
  readonly op: Op;
  readonly key: Key | undefined;
  readonly wireKeys: readonly Key[] | undefined;
  readonly server: number;
}

export function toCommandContext(operation: Described, servers: Servers): CommandContext {
  const { op, key, wireKeys } = operation;
  const server = findServer(operation, servers);
  const address = server === undefined ? undefined : servers.address(server);
  // Written out, all members always: spreading costs more than the operation itself.
  return {
    operation: operationNames[op],
    key: wireKeys === undefined ? key : undefined,
    keys: wireKeys,
    server: server === undefined ? undefined : servers.name(server),
    serverAddress: address?.host,
    serverPort: address?.port === 0 ? undefined : address?.port,
  };
}

/** Returns undefined for keys that may go to several servers, and for one that is not checked yet and goes nowhere. */
function findServer({ key, wireKeys, server }: Described, servers: Servers): number | undefined {
  if (wireKeys !== undefined) return servers.count === 1 ? servers.ids[0] : undefined;
  if (server >= 0) return server;
  if (typeof key !== 'string' && !isBytes(key)) return undefined;
  const length = lengthOf(key);
  return length > 0 && length <= maxKeyBytes ? servers.route(ownCopy(key))[2] : undefined;
}
