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
import { parseServers, Transport, type ServerAddress } from './servers';

export interface ClientOptions {
  /**
   * Use the binary protocol: keys of any bytes, and SASL. Default false: text, which every server and proxy speaks; true
   * with credentials. UDP is always text.
   */
  binary?: boolean | undefined;
  /** SASL PLAIN, with `password`. Needs the binary protocol. Not over UDP, and libmemcached sends it over TCP only. */
  username?: string | undefined;
  password?: string | undefined;
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
  addresses: readonly ServerAddress[];
  binary: boolean;
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
  const options = readOptions<ClientOptions>(given, names);
  const { maxInflated = defaultMaxInflated, maxPending = 1_000_000 } = options;
  const addresses = parseServers(servers);
  const codec = resolveCodec(options.codec);
  if (options.failSoft !== undefined && typeof options.failSoft !== 'boolean')
    throw new TypeError(`failSoft must be a boolean, not ${describeType(options.failSoft)}`);
  const binary = checkProtocol(options, addresses);
  const behaviors = options.behaviors === undefined ? undefined : readBehaviors(options.behaviors);
  return {
    given: behaviors === undefined ? options : { ...options, behaviors },
    addresses,
    binary,
    behaviors: behaviors === undefined ? {} : behaviorsToNative(behaviors, binary),
    codec,
    maxInflated: checkInteger(maxInflated, 'maxInflated', 1, maxInflatedLimit),
    timeout: options.timeout === undefined ? 2000 : checkTimeout(options.timeout),
    maxPending: checkInteger(maxPending, 'maxPending', 1, maxPendingLimit),
  };
}

/** Whether the protocol is binary. */
function checkProtocol(options: ClientOptions, addresses: readonly ServerAddress[]): boolean {
  const { binary, username, password } = options;
  if (binary !== undefined && typeof binary !== 'boolean')
    throw new TypeError(
      `binary must be true or false, not ${typeof binary === 'string' ? JSON.stringify(binary) : describeType(binary)}`,
    );
  const isUdp = addresses[0]?.transport === Transport.Udp;
  if (isUdp && binary === true) throw new TypeError('UDP speaks the text protocol only: binary must not be true');
  if (username !== undefined || password !== undefined) {
    checkCredentials(username, password);
    if (binary === false)
      throw new TypeError('SASL (username, password) needs the binary protocol: binary must not be false');
    if (isUdp) throw new TypeError('SASL (username, password) is not possible over UDP');
    return true;
  }
  return binary === true;
}

function checkCredentials(username: unknown, password: unknown): void {
  if (!native.supportSasl) throw new TypeError('this libmemcached was built without SASL');
  for (const [name, value] of Object.entries({ username, password })) {
    if (typeof value !== 'string')
      throw new TypeError(`SASL needs both username and password: ${name} is ${describeType(value)}`);
    if (value.includes('\0')) throw new TypeError(`${name} must not have a zero byte`);
    // Its text is not for messages.
    if (!value.isWellFormed()) throw new TypeError(`${name} must not have a lone surrogate, which UTF-8 cannot say`);
  }
  if (username === '') throw new TypeError('username must not be empty');
}
