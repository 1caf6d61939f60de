/** The client's options, and their checks. */

import type { Behaviors } from './behaviors';
import { readBehaviors, toNative as behaviorsToNative } from './behaviors';
import { resolveCodec, type CodecName } from '../codecs';
import type { Codec } from '../codecs/codec';
import { defaultMaxInflated } from '../codecs/zlib';
import { checkTimeout, readOptions } from './call-options';
import { describeType } from '../describe-type';
import { checkInteger } from './ranges';
import { native, type NativeBehaviors } from '../addon/addon';
import { isServerUrl, parseServerUrl } from './server-url';
import { parseServers, serverList, Transport, type ServerAddress } from './servers';
import { readTlsOptions, type TlsOptions } from './tls-options';

export interface ClientOptions {
  /**
   * Use the binary protocol, which allows any byte in a key, and SASL. Default false: text, which every server and proxy speaks; true
   * with credentials. UDP is always text.
   */
  binary?: boolean | undefined;
  /**
   * With `password`: SASL PLAIN, in the binary protocol; with `binary: false` memcached's text authentication (`-Y`), which
   * is sent first on every connection. Not over UDP.
   */
  username?: string | undefined;
  password?: string | undefined;
  /**
   * TLS, by Node: true, or what `tls.connect` takes (`ca`, `cert`, `key`, `servername`, `minVersion`,
   * `rejectUnauthorized`, …), with Node's defaults. Not with UDP or Unix sockets. Default false.
   */
  tls?: boolean | TlsOptions | undefined;
  /**
   * The one server given is a configuration endpoint, as Amazon ElastiCache has it: it is asked for the servers at the first
   * use and every `interval` milliseconds (100 … 2^31-1, default 60,000). Default false.
   */
  autoDiscovery?: boolean | { interval?: number | undefined } | undefined;
  behaviors?: Partial<Behaviors> | undefined;
  /** How values become bytes: one of `codecs`, by its name or itself, or your own. Default `'pylibmc'`. */
  codec?: CodecName | Codec | undefined;
  /**
   * Bytes that one compressed value may become: 1 … 2^30, default 64 MiB. Above it a read rejects with a
   * DeserializationError: a few bytes may claim to be gigabytes.
   */
  maxInflated?: number | undefined;
  /**
   * Milliseconds until an operation rejects with a TimeoutError, queueing included: more than 0, less than 2^31. Default
   * 2000.
   */
  timeout?: number | undefined;
  /** Operations in flight before new ones are refused with Busy: 1 … 16,000,000. Default 1,000,000. */
  maxPending?: number | undefined;
  /**
   * A cache outage never breaks a request: where a server cannot be reached or does not answer, reads resolve to a miss and
   * writes to false, and the error is published on the diagnostics channel `libmemcached:failure`. Mistakes (a bad key, a
   * value that is too big, wrong credentials, …) and counters reject as ever. Default false.
   */
  failSoft?: boolean | undefined;
}

export interface CheckedOptions {
  /** As they were given, each read once: for clones. */
  given: ClientOptions;
  servers: readonly string[];
  addresses: readonly ServerAddress[];
  binary: boolean;
  tls: TlsOptions | undefined;
  /** Milliseconds between two questions for the servers; undefined: they are as given. */
  discoveryInterval: number | undefined;
  behaviors: NativeBehaviors;
  codec: Codec;
  maxInflated: number;
  timeout: number;
  maxPending: number;
}

const names = [
  'binary',
  'username',
  'password',
  'tls',
  'autoDiscovery',
  'behaviors',
  'codec',
  'maxInflated',
  'timeout',
  'maxPending',
  'failSoft',
] as const satisfies (keyof ClientOptions)[];
/** memcached cannot be configured for larger items than this. */
const maxInflatedLimit = 2 ** 30;
const maxPendingLimit = 16_000_000;

/** @throws TypeError, RangeError: what is wrong */
export function checkClientOptions(servers: string | readonly string[], given: ClientOptions): CheckedOptions {
  const { list, options } = readServers(servers, readOptions<ClientOptions>(given, names));
  const { maxInflated = defaultMaxInflated, maxPending = 1_000_000 } = options;
  const addresses = parseServers(list);
  const codec = resolveCodec(options.codec);
  if (options.failSoft !== undefined && typeof options.failSoft !== 'boolean')
    throw new TypeError(`failSoft must be a boolean, not ${describeType(options.failSoft)}`);
  const binary = checkProtocol(options, addresses);
  const tls = checkTls(options, addresses);
  const behaviors = options.behaviors === undefined ? undefined : readBehaviors(options.behaviors);
  return {
    given: behaviors === undefined ? options : { ...options, behaviors },
    servers: list,
    addresses,
    binary,
    tls,
    discoveryInterval: checkDiscovery(options.autoDiscovery, addresses),
    behaviors: behaviors === undefined ? {} : behaviorsToNative(behaviors, binary),
    codec,
    maxInflated: checkInteger(maxInflated, 'maxInflated', 1, maxInflatedLimit),
    timeout: options.timeout === undefined ? 2000 : checkTimeout(options.timeout),
    maxPending: checkInteger(maxPending, 'maxPending', 1, maxPendingLimit),
  };
}

/** The list, and the options with what a URL says: its credentials are no part of the list. */
function readServers(
  servers: string | readonly string[],
  options: ClientOptions,
): { list: readonly string[]; options: ClientOptions } {
  const only: unknown = Array.isArray(servers) && servers.length === 1 ? servers[0] : servers;
  if (typeof only !== 'string' || !isServerUrl(only)) return { list: serverList(servers), options };
  const { isTls, username, password, ...url } = parseServerUrl(only);
  const merged = { ...options };
  if (isTls) {
    if (options.tls === false)
      throw new TypeError(
        'memcacheds:// requires TLS, which this client does not use: make a client with tls: true, or use memcached://',
      );
    merged.tls ??= true;
  }
  if (username !== undefined) {
    if (options.username !== undefined || options.password !== undefined)
      throw new TypeError('credentials are given twice, in the server URL and as username and password: remove one');
    Object.assign(merged, { username, password });
  }
  return { list: serverList(url.servers), options: merged };
}

/** @throws TypeError for what has no TLS */
function checkTls({ tls }: ClientOptions, addresses: readonly ServerAddress[]): TlsOptions | undefined {
  const options = readTlsOptions(tls);
  const transport = addresses[0]?.transport;
  if (options !== undefined && transport === Transport.Udp) throw new TypeError('tls is not possible over UDP');
  if (options !== undefined && transport === Transport.Unix)
    throw new TypeError('tls is not possible over Unix sockets');
  return options;
}

/** @throws TypeError for what cannot be a configuration endpoint */
function checkDiscovery(given: unknown, addresses: readonly ServerAddress[]): number | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw new TypeError(`autoDiscovery must be true, false or { interval }, not ${describeType(given)}`);
  const { interval = 60_000 } = given === true ? {} : readOptions<{ interval?: number }>(given, ['interval']);
  if (addresses.length !== 1)
    throw new TypeError(`autoDiscovery takes one server, the configuration endpoint, not ${String(addresses.length)}`);
  if (addresses[0]?.transport !== Transport.Tcp)
    throw new TypeError('autoDiscovery is possible over TCP only: not over UDP or Unix sockets');
  return checkInteger(interval, 'autoDiscovery.interval', 100, 2 ** 31 - 1);
}

/** Whether the protocol is binary. */
function checkProtocol(options: ClientOptions, addresses: readonly ServerAddress[]): boolean {
  const { binary, username, password } = options;
  if (binary !== undefined && typeof binary !== 'boolean')
    throw new TypeError(
      `binary must be true or false, not ${typeof binary === 'string' ? JSON.stringify(binary) : describeType(binary)}`,
    );
  const isUdp = addresses[0]?.transport === Transport.Udp;
  if (isUdp && binary === true) throw new TypeError('UDP servers require the text protocol: remove binary: true');
  if (username !== undefined || password !== undefined) {
    checkCredentials(username, password);
    if (isUdp) throw new TypeError('username and password are not possible over UDP');
    if (binary !== false) {
      if (!native.supportSasl) throw new TypeError('this libmemcached was built without SASL');
      return true;
    }
    // memcached's authfile.c takes what it is sent for words.
    for (const [name, value] of Object.entries({ username, password })) {
      if (value?.includes(' ') === true)
        throw new TypeError(
          `${name} must not contain a space, which text authentication cannot express; SASL can: remove binary: false`,
        );
    }
    return false;
  }
  return binary === true;
}

function checkCredentials(username: unknown, password: unknown): void {
  for (const [name, value] of Object.entries({ username, password })) {
    if (typeof value !== 'string')
      throw new TypeError(`credentials need both username and password: ${name} is ${describeType(value)}`);
    if (value.includes('\0')) throw new TypeError(`${name} must not have a zero byte`);
    // Its text is not for messages.
    if (!value.isWellFormed())
      throw new TypeError(`${name} must not contain a lone surrogate, which UTF-8 cannot encode`);
  }
  if (username === '') throw new TypeError('username must not be empty');
}

/**
 * Parses the servers that an open client is to have from now on.
 *
 * @throws TypeError or RangeError for malformed ones, and for what an open client cannot change
 */
export function readOtherServers(
  servers: string | readonly string[],
  { transport: from, isTls }: { transport: Transport | undefined; isTls: boolean },
): { list: readonly string[]; addresses: readonly ServerAddress[] } {
  const { list, options } = readServers(servers, { tls: isTls });
  if (options.username !== undefined)
    throw new TypeError('setServers cannot change credentials: remove them from the URL');
  const addresses = parseServers(list);
  const to = addresses[0]?.transport;
  if ((from === Transport.Udp) !== (to === Transport.Udp))
    throw new TypeError('setServers cannot switch between UDP and other servers: make another client');
  checkTls(options, addresses);
  return { list, addresses };
}
