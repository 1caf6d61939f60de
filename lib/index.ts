/** libmemcached: the public interface. */

import { native } from './addon/addon';

export { Client, type Explanation, type FlushOptions } from './client';
export {
  Latency,
  type ClientMetrics,
  type LatencyBucket,
  type OperationName,
  type ServerMetrics,
  type ServerState,
} from './observability/metrics';
export type { GetOrSetOptions, Loader } from './read-through/get-or-set';
export type { Namespace } from './namespace/namespace';
export type { ClientOptions } from './options/client-options';
export type { TlsOptions } from './options/tls-options';
export type { StoreOptions, CounterOptions } from './operations/arguments';
export type { CallOptions } from './options/call-options';
export type { Entries, MultiOptions } from './operations/multi-operation';
export type { CountMultiOptions, KeyOperations } from './operations/key-operations';
export type { CommandContext } from './observability/tracing';
export type { ConnectContext, StateChange } from './observability/connections';
export type { FailureMessage } from './observability/fail-soft';
export type { Key } from './options/keys';
export type { TimeArg } from './options/expiry';
export { ClientPool, type ReserveOptions } from './client-pool';
export {
  hashers,
  distributions,
  type Behaviors,
  type BehaviorName,
  type Hasher,
  type Distribution,
} from './options/behaviors';
export { codecs, type CodecName } from './codecs';
export type { Codec, Serialized } from './codecs/codec';
export type { RawValue } from './codecs/raw';
export {
  AllocationError,
  AuthenticationError,
  BadKeyProvided,
  Busy,
  CacheMiss,
  ClientClosed,
  ClientError,
  ConnectionBindError,
  ConnectionError,
  DataDoesNotExist,
  DataExists,
  DeserializationError,
  Failure,
  FetchNotFinished,
  HostLookupError,
  InvalidHostProtocolError,
  MemcachedError,
  NoServers,
  NotFound,
  NotSupportedError,
  PartialFailure,
  ProtocolError,
  ReadError,
  ServerDead,
  ServerDown,
  ServerError,
  SocketCreateError,
  SomeErrors,
  TimeoutError,
  TooBig,
  UnixSocketError,
  UnknownReadFailure,
  UnknownStatKey,
  WriteError,
  type ErrorDetails,
} from './errors';

/** This package's version. */
export const version: string =
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- outside of what TypeScript compiles
  (require('../package.json') as { version: string }).version;

/** The version of the C library that is in use. */
export const libmemcachedVersion: string = native.libmemcachedVersion;
/** Whether it was built with SASL. */
export const supportSasl: boolean = native.supportSasl;
/** Whether values can be compressed: always. */
export const supportCompression = true;

/** One line for bug reports, as pylibmc's `build_info`. */
export function buildInfo(): string {
  return (
    `libmemcached ${version} for libmemcached ${libmemcachedVersion} ` +
    `(compression=${String(supportCompression)}, sasl=${String(supportSasl)}), ` +
    `node ${process.versions.node}, ${process.platform}-${process.arch}`
  );
}
