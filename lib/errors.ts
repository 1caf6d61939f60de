/**
 * The errors. One class for each of pylibmc's exceptions, with its name, and a few of our own; all made here, never
 * natively (an error made in C++ fails `instanceof Error` in another realm, jest's for one).
 */

import { native } from './addon/addon';
import { Outcome, Status } from './addon/record-layout';
import { firstBytes } from './bytes';

/** What is known about the operation that failed. */
export interface ErrorDetails {
  /** libmemcached's return code; -1 where the failure is not libmemcached's. */
  retcode?: number;
  /** The operation, named as in metrics: `get` for `has` and `getMulti`, too. Of a refused call, its method. */
  operation?: string;
  /** The key, as it was given. */
  key?: string | Uint8Array;
  /** The server, as `host:port` or path. */
  server?: string;
  cause?: unknown;
  /** See {@link MemcachedError.outcomeUnknown}. */
  outcomeUnknown?: boolean;
  /** See {@link SomeErrors.errors}. */
  errors?: ReadonlyMap<string, unknown>;
}

/**
 * The base of every error that this client makes, other than TypeError and RangeError for wrong arguments. What is not
 * known is absent.
 */
export class MemcachedError extends Error {
  /** Stable, and the same in subclasses of your own: `ERR_MEMCACHED_NOT_FOUND`, `ERR_MEMCACHED_TIMEOUT`, … */
  readonly code: string = 'ERR_MEMCACHED';
  /** libmemcached's `memcached_return_t`; -1 where the failure is not libmemcached's. */
  readonly retcode: number;
  declare readonly operation?: string;
  declare readonly key?: string | Uint8Array;
  /** As `host:port` or path. */
  declare readonly server?: string;
  /**
   * True if a write was sent and its answer was lost: it may or may not have been applied. False: it was not
   * applied (or it was a read).
   */
  readonly outcomeUnknown: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.retcode = details.retcode ?? -1;
    // Absent, rather than undefined, if it is not known: errors are printed.
    if (details.operation !== undefined) this.operation = details.operation;
    if (details.key !== undefined) this.key = details.key;
    if (details.server !== undefined) this.server = details.server;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
  }
}

/** A failure that libmemcached does not specify. */
export class Failure extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_FAILURE' as const;
}
/** A host name could not be resolved. */
export class HostLookupError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_HOST_LOOKUP' as const;
}
/** A server could not be connected to, or closed the connection. */
export class ConnectionError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_CONNECTION' as const;
}
export class ConnectionBindError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_CONNECTION_BIND' as const;
}
/** A request could not be written to the socket. */
export class WriteError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_WRITE' as const;
}
/** An answer could not be read from the socket. */
export class ReadError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_READ' as const;
}
/** The server's answer could not be understood. */
export class UnknownReadFailure extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_UNKNOWN_READ_FAILURE' as const;
}
/** The server broke the protocol, or does not know a command. */
export class ProtocolError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_PROTOCOL' as const;
}
/** The server refused the request: CLIENT_ERROR. */
export class ClientError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_CLIENT' as const;
}
/** The server failed: SERVER_ERROR. */
export class ServerError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_SERVER' as const;
}
export class SocketCreateError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_SOCKET_CREATE' as const;
}
export class DataExists extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_DATA_EXISTS' as const;
}
export class DataDoesNotExist extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_DATA_DOES_NOT_EXIST' as const;
}
/** The key does not exist: incr, decr, cas. */
export class NotFound extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_NOT_FOUND' as const;
}
/** The server, or this process, is out of memory. */
export class AllocationError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_ALLOCATION' as const;
}
/** Some servers failed; see the message. */
export class SomeErrors extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_SOME_ERRORS' as const;
  /** Of `connect`: the error of each server that cannot be reached, by its name. */
  declare readonly errors?: ReadonlyMap<string, unknown>;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details);
    if (details.errors !== undefined) this.errors = details.errors;
  }
}
export class NoServers extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_NO_SERVERS' as const;
}
export class UnixSocketError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_UNIX_SOCKET' as const;
}
/** Not possible with this transport or protocol. */
export class NotSupportedError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_NOT_SUPPORTED' as const;
}
export class FetchNotFinished extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_FETCH_NOT_FINISHED' as const;
}
/** The key is empty, too long, or has bytes that the text protocol cannot carry. It was not sent. */
export class BadKeyProvided extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_BAD_KEY' as const;
}
export class InvalidHostProtocolError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_INVALID_HOST_PROTOCOL' as const;
}
/** The server was marked dead (`remove_failed`); it was not tried. */
export class ServerDead extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_SERVER_DEAD' as const;
}
/** The server failed a moment ago and is not tried before `retry_timeout` is over. */
export class ServerDown extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_SERVER_DOWN' as const;
}
/** The value is larger than the server takes. */
export class TooBig extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_TOO_BIG' as const;
}
/** The server does not know that group of statistics. */
export class UnknownStatKey extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_UNKNOWN_STAT_KEY' as const;
}
/** The server rejected the credentials, or requires some. */
export class AuthenticationError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_AUTHENTICATION' as const;
}
/** The operation's deadline passed. */
export class TimeoutError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_TIMEOUT' as const;
}
/** Thrown by a codec's `deserialize`: treat the value as a miss. */
export class CacheMiss extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_CACHE_MISS' as const;

  constructor(message = 'treated as a miss', details?: ErrorDetails) {
    super(message, details);
  }
}
/** `maxPending` operations are in flight already; this one was not sent. */
export class Busy extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_BUSY' as const;
}
/** The client was closed or destroyed. */
export class ClientClosed extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_CLIENT_CLOSED' as const;
}

/** A value could not be deserialized. It is in `data`, as it is stored. */
export class DeserializationError extends MemcachedError {
  override readonly code = 'ERR_MEMCACHED_DESERIALIZATION' as const;
  readonly data: Uint8Array;
  readonly flags: number;

  constructor(message: string, data: Uint8Array, flags: number, details?: ErrorDetails) {
    super(message, details);
    this.data = data;
    this.flags = flags;
  }
}

/**
 * What `getMulti`, `getsMulti`, `incrMulti` and `decrMulti` reject with if some of the keys failed. It is the error of one of those keys (a
 * NotFound, a TimeoutError, …), which carries the rest of the result: test for it with `instanceof`.
 */
export abstract class PartialFailure<K extends string | Uint8Array = string | Uint8Array, T = unknown> extends Error {
  /** What succeeded. */
  declare readonly values: Map<K, T>;
  /** The keys whose values are not known. */
  declare readonly failedKeys: K[];

  /** @internal Makes an error a PartialFailure. */
  static mark<E extends Error, K, T>(error: E, values: Map<K, T>, failedKeys: K[]): E {
    return Object.assign(error, { values, failedKeys });
  }

  /** Whether the error carries them. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    return error instanceof Error && 'failedKeys' in error && 'values' in error;
  }
}

const classesByName = {
  MemcachedError,
  Failure,
  HostLookupError,
  ConnectionError,
  ConnectionBindError,
  WriteError,
  ReadError,
  UnknownReadFailure,
  ProtocolError,
  ClientError,
  ServerError,
  SocketCreateError,
  DataExists,
  DataDoesNotExist,
  NotFound,
  AllocationError,
  SomeErrors,
  NoServers,
  UnixSocketError,
  NotSupportedError,
  FetchNotFinished,
  BadKeyProvided,
  InvalidHostProtocolError,
  ServerDead,
  ServerDown,
  TooBig,
  UnknownStatKey,
  AuthenticationError,
  TimeoutError,
  CacheMiss,
  Busy,
  ClientClosed,
  DeserializationError,
};
// On the prototypes: as a subclass of a user's own names itself, and not by the class's name, which bundlers change.
for (const [name, { prototype }] of Object.entries(classesByName))
  Object.defineProperty(prototype, 'name', { value: name, writable: true, configurable: true });

type ErrorClass = new (message: string, details?: ErrorDetails) => MemcachedError;

/** libmemcached's return codes: pylibmc's table, and what it has no exception for. */
const classes: Record<string, ErrorClass> = {
  FAILURE: Failure,
  HOST_LOOKUP_FAILURE: HostLookupError,
  CONNECTION_FAILURE: ConnectionError,
  CONNECTION_BIND_FAILURE: ConnectionBindError,
  WRITE_FAILURE: WriteError,
  READ_FAILURE: ReadError,
  UNKNOWN_READ_FAILURE: UnknownReadFailure,
  PROTOCOL_ERROR: ProtocolError,
  CLIENT_ERROR: ClientError,
  SERVER_ERROR: ServerError,
  // The same number as CONNECTION_SOCKET_CREATE_FAILURE, which libmemcached no longer returns: a text server's ERROR.
  ERROR: ProtocolError,
  DATA_EXISTS: DataExists,
  DATA_DOES_NOT_EXIST: DataDoesNotExist,
  NOTFOUND: NotFound,
  MEMORY_ALLOCATION_FAILURE: AllocationError,
  SERVER_MEMORY_ALLOCATION_FAILURE: AllocationError,
  PARTIAL_READ: ReadError,
  SOME_ERRORS: SomeErrors,
  NO_SERVERS: NoServers,
  ERRNO: ConnectionError,
  FAIL_UNIX_SOCKET: UnixSocketError,
  NOT_SUPPORTED: NotSupportedError,
  NO_KEY_PROVIDED: BadKeyProvided,
  FETCH_NOTFINISHED: FetchNotFinished,
  TIMEOUT: TimeoutError,
  IN_PROGRESS: TimeoutError,
  BAD_KEY_PROVIDED: BadKeyProvided,
  KEY_TOO_BIG: BadKeyProvided,
  INVALID_HOST_PROTOCOL: InvalidHostProtocolError,
  SERVER_MARKED_DEAD: ServerDead,
  SERVER_TEMPORARILY_DISABLED: ServerDown,
  UNKNOWN_STAT_KEY: UnknownStatKey,
  E2BIG: TooBig,
  INVALID_ARGUMENTS: ClientError,
  AUTH_PROBLEM: AuthenticationError,
  AUTH_FAILURE: AuthenticationError,
  AUTH_CONTINUE: AuthenticationError,
};

const byReturnCode = new Map<number, { name: string; errorClass: ErrorClass }>();
for (const [name, errorClass] of Object.entries(classes)) {
  const number = native.returnCodes[name];
  if (number !== undefined) byReturnCode.set(number, { name, errorClass });
}

/** libmemcached's number for one of its return codes, by its name without MEMCACHED_. */
export function returnCode(name: string): number {
  return native.returnCodes[name] ?? -1;
}

/** Where an error of libmemcached says less than we know. */
const explanations: Record<string, string> = {
  E2BIG: "value exceeds the server's item size limit",
  AUTH_FAILURE: 'credentials rejected, or authentication required',
  AUTH_PROBLEM: 'server does not support SASL',
  TIMEOUT: 'no response from the server in time',
  NOTFOUND: 'the key does not exist',
  CONNECTION_FAILURE: 'connection failed',
  UNKNOWN_READ_FAILURE: 'unexpected response',
  NOT_SUPPORTED: 'not supported over UDP, which has no responses',
  MEMORY_ALLOCATION_FAILURE: 'server is out of memory',
  SERVER_MEMORY_ALLOCATION_FAILURE: 'server is out of memory',
  UNKNOWN_STAT_KEY: 'server does not know this group of statistics',
  PROTOCOL_ERROR: 'response that does not belong to the request',
  ERROR: 'server does not know the command',
};

/** What the addon says of a server that wants credentials. */
const requiresAuthentication = 'the server requires authentication';

function explain(name: string, operation: string | undefined): string | undefined {
  // memcached's binary answer where it was started with -F.
  if (name === 'AUTH_FAILURE' && operation === 'flushAll') return 'credentials rejected, or flush_all is disabled (-F)';
  return explanations[name];
}

/** Makes the error for a completion that failed. `text`: what libmemcached said about it. */
export function errorForStatus(
  status: number,
  outcome: Outcome,
  text: string,
  details: ErrorDetails,
  timeout?: number,
): MemcachedError {
  const about = describe(details);
  const full: ErrorDetails = { ...details, outcomeUnknown: outcome === Outcome.Unknown };
  switch (status) {
    case Status.Expired:
    case Status.Cancelled:
      full.retcode = returnCode('TIMEOUT');
      return new TimeoutError(`${about}: ${describeDeadline(timeout, false)}`, full);
    case Status.Closed:
      return new ClientClosed(`${about}: the client was closed`, full);
    case Status.ServerDown:
      full.retcode = returnCode('SERVER_TEMPORARILY_DISABLED');
      return new ServerDown(`${about}: server is down; retried after retry_timeout`, full);
    case Status.ServerDead:
      full.retcode = returnCode('SERVER_MARKED_DEAD');
      return new ServerDead(`${about}: server is dead; retried after dead_timeout`, full);
    case Status.BadTextKey:
      full.retcode = returnCode('BAD_KEY_PROVIDED');
      return new BadKeyProvided(
        `${about}: the text protocol does not allow whitespace or control bytes (with verify_keys: anything but visible ASCII): change the key, or set binary: true`,
        full,
      );
    case Status.NotInThisProtocol:
      full.retcode = returnCode('NOT_SUPPORTED');
      return new NotSupportedError(
        `${about}: a CAS token of 20 digits requires the binary protocol (binary: true)`,
        full,
      );
    default:
      break;
  }
  const known = byReturnCode.get(status);
  full.retcode = status;
  const said = readable(text);
  const explanation = known === undefined ? undefined : explain(known.name, details.operation);
  // The addon's own text may say all of it, and more.
  const isEnough = explanation === undefined || said.startsWith(explanation) || said === requiresAuthentication;
  const reason = isEnough ? said : [explanation, said].filter((part) => part !== '').join(': ');
  const doubt = outcome === Outcome.Unknown ? '; the write may or may not have been applied' : '';
  // libmemcached's flush says no more than that there were errors.
  const ErrorType =
    said.startsWith('CLIENT_ERROR ') && known?.name === 'SOME_ERRORS' ? ClientError : (known?.errorClass ?? Failure);
  return new ErrorType(`${about}: ${reason === '' ? `return code ${String(status)}` : reason}${doubt}`, full);
}

/** Says that a deadline was exceeded. `timeout`: in milliseconds, if it is known. */
export function describeDeadline(timeout: number | undefined, wasSent: boolean): string {
  const deadline = timeout === undefined ? 'deadline' : `deadline of ${timeout} ms`;
  return `${deadline} exceeded ${wasSent ? 'without a response' : 'before the request was sent'}`;
}

/** What terminals obey: a message may quote a server, a key, or what is stored. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const controls = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** libmemcached's message without the address of its handle and the host, which is named anyway. */
function readable(text: string): string {
  return text
    .replace(/^\(0x[0-9a-f]+\) /, '')
    .replace(/,\s+host: \S+/, '')
    .replace(/\s*-> \S+:\d+$/, '')
    .trim()
    .replace(controls, escapeControl);
}

/** What the message of an error begins with: the operation, its key, its server. */
export function describe(details: ErrorDetails): string {
  const key = details.key === undefined ? '' : ` ${quoteKey(details.key)}`;
  const server = details.server === undefined ? '' : ` on ${details.server}`;
  return `${details.operation ?? 'operation'}${key}${server}`;
}

const maxQuotedLength = 80;

/**
 * A key as it is named in messages: printable, and not too long. It may be of any size, and a caller may have transferred its
 * memory since: then it looks empty.
 */
export function quoteKey(key: string | Uint8Array): string {
  const text = typeof key === 'string' ? key : firstBytes(key, maxQuotedLength + 1).toString('latin1');
  const shown = text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text;
  return JSON.stringify(shown).replace(controls, escapeControl);
}
