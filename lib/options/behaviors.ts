/** Behaviors: pylibmc's names, values and units, checked before they reach libmemcached. */

import { describeType } from '../describe-type';
import { assertWellFormed } from '../well-formed';
import { checkInteger } from './ranges';
import { native, type NativeBehaviors } from '../addon/addon';

export type Hasher =
  'default' | 'md5' | 'crc' | 'fnv1_64' | 'fnv1a_64' | 'fnv1_32' | 'fnv1a_32' | 'hsieh' | 'murmur' | 'jenkins';

export type Distribution =
  'modula' | 'consistent' | 'consistent ketama' | 'consistent ketama spy' | 'consistent weighted' | 'random';

/**
 * Names, values and units are pylibmc's (its page "Behaviors"); defaults are libmemcached's unless noted. Numbers are
 * whole, 0 … 2^31-1.
 */
export interface Behaviors {
  /** Close sockets hard (SO_LINGER 0). They never block, with and without it. Default false. */
  no_block: boolean;
  /** TCP_NODELAY. Default true here (libmemcached: false). */
  tcp_nodelay: boolean;
  /** SO_KEEPALIVE. Default false. */
  tcp_keepalive: boolean;
  /** With `tcp_keepalive`: TCP_KEEPIDLE, seconds until the first probe; 0: the system's. At most 32767. Default 0. */
  tcp_keepidle: number;
  /**
   * With `tcp_keepalive`: TCP_KEEPINTVL, seconds between probes; 0: the system's. At most 32767. Over TLS it is Node that
   * decides. Default 0.
   */
  tcp_keepintvl: number;
  /** The hash of keys. `hsieh` only if libmemcached was built with it. Default `'default'`. */
  hash: Hasher;
  /** Stored and returned, without effect: libmemcached 1.1.4 does not use it to place keys. Default `'default'`. */
  ketama_hash: Hasher;
  /** Sets `distribution` to `'consistent ketama'`, or back to `'modula'`. Default false. */
  ketama: boolean;
  /** Ketama with weights; sets both hashes to `'md5'`. Default false. */
  ketama_weighted: boolean;
  /** How keys are spread over servers. Default `'modula'`. */
  distribution: Distribution;
  /** Every read asks for the CAS token. `gets` works without it. Default false. */
  cas: boolean;
  /**
   * Accepted as pylibmc's, and changes nothing: requests are sent together with and without it, and none is held back.
   * Default false.
   */
  buffer_requests: boolean;
  /** In the text protocol, refuse keys that are not visible ASCII. Default false. */
  verify_keys: boolean;
  /** Milliseconds for one attempt to connect, for each address. Default 4000; `timeout` bounds it. */
  connect_timeout: number;
  /**
   * SO_SNDTIMEO in microseconds; 0: none. It ends no wait, as in libmemcached, whose sockets do not block: `timeout` and
   * `_poll_timeout` do. Default 0.
   */
  send_timeout: number;
  /** Microseconds to wait for a silent server (and SO_RCVTIMEO); 0: as long as `timeout`. Default 0. */
  receive_timeout: number;
  /** Number of further servers that receive `set` and `delete`; other writes go to the key's own server only. Default 0. */
  num_replicas: number;
  /** Prefer `remove_failed`. Take servers out of a ketama distribution after `failure_limit` failures. Default false. */
  auto_eject: boolean;
  /** Seconds until a failed server is tried again. Default 2. */
  retry_timeout: number;
  /** Take a server out of a ketama distribution after this many consecutive failures; 0: never. Default 0. */
  remove_failed: number;
  /** Prefer `remove_failed`. At least 1. Default 5. */
  failure_limit: number;
  /** Seconds until a dead server is tried again; 0: as `retry_timeout`. Default 0. */
  dead_timeout: number;
  /** Goes before every key, and counts towards its 250 bytes. At most 127 bytes. Default `''`. */
  namespace: string;
  /** Accepted, and not used: libmemcached would discard answers while it writes. Default 500. */
  _io_msg_watermark: number;
  /** As `_io_msg_watermark`. Default 66560. */
  _io_bytes_watermark: number;
  /** Accepted, and changes nothing: a multi-get is sent as a whole. Default 0. */
  _io_key_prefetch: number;
  /** The namespace is hashed with the key. Default false. */
  _hash_with_prefix_key: boolean;
  /**
   * `set`, `add`, `replace`, `append` and `prepend` resolve to true once they are sent. Their answers are read and
   * discarded: the requests are sent as usual, because a server may answer an error even to a request that wants no answer
   * (the binary protocol always, text where it cannot read the line), which could be taken for another request's. Default false.
   */
  _noreply: boolean;
  /** Sort the servers by name first. Default false. */
  _sort_hosts: boolean;
  /** Milliseconds to wait for a silent server, if `timeout` allows. At least 1. Default 5000. */
  _poll_timeout: number;
  /** SO_SNDBUF; 0: the system's. Default 0. */
  _socket_send_size: number;
  /** SO_RCVBUF; 0: the system's. Default 0. */
  _socket_recv_size: number;
}

export type BehaviorName = keyof Behaviors;

const Kind = { Boolean: 0, Unsigned: 1, Hash: 2, Distribution: 3 } as const;
const maxBehavior = 2 ** 31 - 1;
/** MEMCACHED_PREFIX_KEY_MAX_SIZE, less its zero byte. */
const maxNamespaceBytes = 127;
/** Linux refuses more: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL. */
const maxima = new Map([
  ['tcp_keepidle', 32767],
  ['tcp_keepintvl', 32767],
]);
const atLeastOne = new Set(['failure_limit', '_poll_timeout', 'connect_timeout']);

const kinds = new Map(native.behaviors.map(({ name, kind }) => [name, kind]));

/** Hash functions that this libmemcached has: name → its number. */
export const hashers: Readonly<Record<string, number>> = Object.freeze({ ...native.hashers });
/** Distributions: name → libmemcached's number. */
export const distributions: Readonly<Record<string, number>> = Object.freeze({ ...native.distributions });

const hasherNames = invert(hashers);
const distributionNames = invert(distributions);

function invert(numbers: Readonly<Record<string, number>>): Map<number, string> {
  return new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
}

/** All behaviors that exist. */
export const behaviorNames: readonly string[] = [...kinds.keys(), 'namespace'];

/** A copy of the behaviors that were given: each is read once. @throws TypeError unless they are an object */
export function readBehaviors(given: unknown): Partial<Behaviors> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`behaviors must be an object, not ${describeType(given)}`);
  // Without what is undefined: a clone must not take it for something that was set again.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/**
 * Behaviors as libmemcached takes them. `isBinary`: the protocol is binary.
 *
 * @throws TypeError for an unknown name or a value of the wrong type
 * @throws RangeError for a value that is out of range, or that this libmemcached does not have
 */
export function toNative(behaviors: Partial<Behaviors>, isBinary: boolean): NativeBehaviors {
  const checked: [name: string, value: number | string][] = [];
  for (const [given, value] of Object.entries<unknown>(behaviors)) {
    if (value === undefined) continue;
    // pylibmc's leniency: the underscored name is the old one.
    const name = given === '_retry_timeout' ? 'retry_timeout' : given;
    checked.push([name, name === 'namespace' ? checkNamespace(value, isBinary) : checkNumber(name, value)]);
  }
  return Object.fromEntries(checked); // by assignment, a setter of Object.prototype's could get in between
}

function checkNumber(name: string, value: unknown): number {
  const kind = kinds.get(name);
  switch (kind) {
    case undefined:
      throw new TypeError(`unknown behavior ${JSON.stringify(name)}; valid behaviors: ${behaviorNames.join(', ')}`);
    case Kind.Boolean:
      if (typeof value === 'boolean') return value ? 1 : 0;
      if (value === 0 || value === 1) return value;
      throw new TypeError(`behavior ${name} must be a boolean, not ${describeType(value)}`);
    case Kind.Hash:
      return checkChoice(name, value, hashers);
    case Kind.Distribution:
      return checkChoice(name, value, distributions);
    default:
      return checkUnsigned(name, value);
  }
}

function checkUnsigned(name: string, value: unknown): number {
  // remove_failed is a number to pylibmc and a switch in much of its documentation.
  if (name === 'remove_failed' && typeof value === 'boolean') return value ? 1 : 0;
  return checkInteger(value, `behavior ${name}`, atLeastOne.has(name) ? 1 : 0, maxima.get(name) ?? maxBehavior);
}

function checkChoice(name: string, value: unknown, choices: Readonly<Record<string, number>>): number {
  if (typeof value !== 'string') throw new TypeError(`behavior ${name} must be a string, not ${describeType(value)}`);
  const number = Object.hasOwn(choices, value) ? choices[value] : undefined;
  if (number !== undefined) return number;
  throw new RangeError(
    `behavior ${name}: this libmemcached has no ${JSON.stringify(value)}; it has ${Object.keys(choices).join(', ')}`,
  );
}

function checkNamespace(value: unknown, isBinary: boolean): string {
  if (typeof value !== 'string') throw new TypeError(`behavior namespace must be a string, not ${describeType(value)}`);
  assertWellFormed(value, 'behavior namespace');
  if (Buffer.byteLength(value) > maxNamespaceBytes)
    throw new RangeError(`behavior namespace must have at most ${String(maxNamespaceBytes)} bytes`);
  // eslint-disable-next-line no-control-regex -- these are what it must not have
  if (/[\s\u0000-\u0020\u007f]/.test(value))
    throw new RangeError('behavior namespace must have no whitespace and no control characters');
  // libmemcached's rule for the text protocol.
  if (!isBinary && /[^\x21-\x7e]/.test(value))
    throw new RangeError('behavior namespace must be visible ASCII, unless the protocol is binary (binary: true)');
  return value;
}

/** Behaviors in force, as callers know them. */
export function fromNative(values: NativeBehaviors): Behaviors {
  const behaviors: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const kind = kinds.get(name);
    const number = Number(value);
    if (name === 'namespace') behaviors[name] = value;
    else if (kind === Kind.Boolean) behaviors[name] = number !== 0;
    else if (kind === Kind.Hash) behaviors[name] = hasherNames.get(number) ?? String(number);
    else if (kind === Kind.Distribution) behaviors[name] = distributionNames.get(number) ?? String(number);
    else behaviors[name] = number;
  }
  return behaviors as unknown as Behaviors;
}

/**
 * `client.behaviors`: reads what is in force, and applies what is assigned to a member at once.
 */
export function liveBehaviors(read: () => Behaviors, write: (behaviors: Partial<Behaviors>) => void): Behaviors {
  return new Proxy(read(), {
    get: (_target, name) => (read() as unknown as Record<string | symbol, unknown>)[name],
    set: (_target, name, value) => {
      write({ [String(name)]: value as unknown });
      return true;
    },
    deleteProperty: (_target, name) => {
      throw new TypeError(`behavior ${String(name)} cannot be deleted`);
    },
  });
}
