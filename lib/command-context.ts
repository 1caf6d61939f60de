/** What is told of an operation when it is traced. Made only then. */

import type { Dispatcher } from './dispatcher';
import { keyBytes, longestKey, type Key } from './keys';
import type { NativeServer } from './native';
import type { CommandContext } from './tracing';
import { operationNames, type Op } from './wire';

type Target = Pick<CommandContext, 'server' | 'serverAddress' | 'serverPort'>;

/** Of an operation on one key, which is not checked yet. */
export function describeOne(dispatcher: Dispatcher, op: Op, key: Key): CommandContext {
  const context = { operation: operationNames[op], key };
  const isKey = typeof key === 'string' || (key as unknown) instanceof Uint8Array;
  if (!isKey || key.length === 0 || key.length > longestKey) return context;
  return { ...context, ...target(dispatcher, dispatcher.native.route(keyBytes(key))[2]) };
}

export function describeMany(dispatcher: Dispatcher, op: Op, keys: readonly Key[]): CommandContext {
  const context = { operation: operationNames[op], keys };
  return dispatcher.servers.length === 1 ? { ...context, ...target(dispatcher, 0) } : context;
}

export function describeForServer(dispatcher: Dispatcher, op: Op, server: number): CommandContext {
  return { operation: operationNames[op], ...target(dispatcher, server) };
}

function target(dispatcher: Dispatcher, server: number): Target {
  const { host, port } = dispatcher.servers[server] as NativeServer;
  return { server: dispatcher.serverName(server), serverAddress: host, ...(port === 0 ? {} : { serverPort: port }) };
}
