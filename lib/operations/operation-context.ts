/** What is told of an operation when it is traced. Made only then. */

import type { Dispatcher } from '../dispatch/dispatcher';
import { keyBytes, maxKeyBytes, type Key } from '../options/keys';
import type { CommandContext } from '../observability/tracing';
import { operationNames, type Op } from '../addon/record-layout';

// Written out, all members always: spreading costs more than the operation itself.

/** Of an operation on one key, which is not checked yet. */
export function describeOne(dispatcher: Dispatcher, op: Op, key: Key): CommandContext {
  const isKey = typeof key === 'string' || (key as unknown) instanceof Uint8Array;
  const isRoutable = isKey && key.length > 0 && key.length <= maxKeyBytes;
  const server = isRoutable ? dispatcher.native.route(keyBytes(key), 0)[2] : undefined;
  return context(dispatcher, op, key, undefined, server);
}

export function describeMany(dispatcher: Dispatcher, op: Op, keys: readonly Key[]): CommandContext {
  return context(dispatcher, op, undefined, keys, dispatcher.servers.length === 1 ? 0 : undefined);
}

export function describeForServer(dispatcher: Dispatcher, op: Op, server: number): CommandContext {
  return context(dispatcher, op, undefined, undefined, server);
}

function context(
  dispatcher: Dispatcher,
  op: Op,
  key: Key | undefined,
  keys: readonly Key[] | undefined,
  server: number | undefined,
): CommandContext {
  const address = server === undefined ? undefined : dispatcher.servers[server];
  return {
    operation: operationNames[op],
    key,
    keys,
    server: server === undefined ? undefined : dispatcher.serverName(server),
    serverAddress: address?.host,
    serverPort: address?.port === 0 ? undefined : address?.port,
  };
}
