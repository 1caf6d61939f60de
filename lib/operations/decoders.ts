/** How replies are read: one decoder for each kind of result. */

import type { Codec } from '../codecs/codec';
import { DeserializationError, errorForStatus, type MemcachedError, CacheMiss, returnCode } from '../errors';
import type { ErrorDetails } from '../errors';
import type { Decoder, Reply, Subject } from './operation';
import type { ErrorCounts } from '../observability/metrics';
import { Op, operationNames, Status } from '../addon/record-layout';

const notFound = returnCode('NOTFOUND');
const notStored = returnCode('NOTSTORED');
const dataExists = returnCode('DATA_EXISTS');
const unknownReadFailure = returnCode('UNKNOWN_READ_FAILURE');
const clientError = returnCode('CLIENT_ERROR');

/** What `gets` resolves to where there is nothing. */
export const missWithToken: [undefined, undefined] = [undefined, undefined];

/** In groups: told apart from every value. */
export const miss = Symbol('miss');

/** A Buffer with the methods that Node has but does not document; they skip the look-up of the encoding's name. */
interface SliceableBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
}

/** pylibmc's flags of a plain string: the one type that is worth a path of its own. */
const textFlags = 16;

export interface Decoders {
  value: Decoder;
  valueWithToken: Decoder;
  exists: Decoder;
  stored: Decoder;
  found: Decoder;
  counter: Decoder;
  text: Decoder;
  nothing: Decoder;
}

export interface DecoderContext {
  /** Undefined: the default codec, which is called directly. */
  deserialize: ((data: Buffer, flags: number) => unknown) | undefined;
  standard: Codec;
  serverName(index: number): string;
  errors: ErrorCounts;
  /** Bytes that one value may become when it is inflated. */
  maxInflated: number;
}

/** The decoders of one client. */
export function makeDecoders(context: DecoderContext): Decoders {
  const counted = <E extends Error>(error: E, server: number): E => {
    context.errors.count(server, error);
    return error;
  };

  const errorFor = (reply: Reply, operation: Subject): MemcachedError =>
    counted(failure(reply, operation, context.serverName(reply.server)), reply.server);

  const whyNotInflated = `it is not in zlib format, or has more than ${String(context.maxInflated)} bytes (maxInflated)`;

  const readValue = (reply: Reply, operation: Subject): unknown => {
    if (reply.status === Status.BadCompression) {
      const why = `the flags say that the value is compressed, but it cannot be inflated: ${whyNotInflated}`;
      throw counted(new DeserializationError(why, takeBytes(reply), reply.flags, detailsOf(operation)), reply.server);
    }
    if (context.deserialize === undefined && reply.flags === textFlags)
      return (reply.bytes as SliceableBuffer).utf8Slice(reply.start, reply.end);
    const data = takeBytes(reply);
    try {
      return context.deserialize === undefined
        ? context.standard.deserialize(data, reply.flags)
        : context.deserialize(data, reply.flags);
    } catch (error) {
      if (error instanceof CacheMiss) return miss;
      throw counted(deserializationError(error, data, reply.flags, operation), reply.server);
    }
  };

  const valueOrMiss = (reply: Reply, operation: Subject): unknown => {
    if (reply.status === Status.Success || reply.status === Status.BadCompression) return readValue(reply, operation);
    if (reply.status === notFound) return miss;
    throw errorFor(reply, operation);
  };

  const value: Decoder = (reply, operation) => {
    const result = valueOrMiss(reply, operation);
    return result === miss ? operation.extra : result;
  };

  const valueWithToken: Decoder = (reply, operation) => {
    const low = reply.numberLow;
    const high = reply.numberHigh;
    const result = valueOrMiss(reply, operation);
    return result === miss ? operation.extra : [result, toBigInt(low, high)];
  };

  const exists: Decoder = (reply, operation) => {
    if (reply.status === Status.Success || reply.status === Status.BadCompression) return true;
    if (reply.status === notFound) return false;
    throw errorFor(reply, operation);
  };

  const stored: Decoder = (reply, operation) => {
    if (reply.status === Status.Success) return true;
    if (isNotStored(operation.op, reply.status)) return false;
    throw errorFor(reply, operation);
  };

  const found: Decoder = (reply, operation) => {
    if (reply.status === Status.Success) return true;
    if (reply.status === notFound) return false;
    throw errorFor(reply, operation);
  };

  const counter: Decoder = (reply, operation) => {
    if (reply.status === Status.Success) {
      const exact = toBigInt(reply.numberLow, reply.numberHigh);
      return counterResult(exact, operation.extra === true, operation);
    }
    if (reply.status === unknownReadFailure && reply.outcome === 0) {
      // The binary protocol's "not a number", which libmemcached does not know; text says CLIENT_ERROR.
      reply.status = clientError;
      const details = detailsOf(operation, context.serverName(reply.server));
      throw counted(errorForStatus(clientError, 0, 'the stored value is not a number', details), reply.server);
    }
    throw errorFor(reply, operation);
  };

  const text: Decoder = (reply, operation) => {
    if (reply.status === Status.Success) return reply.bytes.toString('utf8', reply.start, reply.end);
    throw errorFor(reply, operation);
  };

  const nothing: Decoder = (reply, operation) => {
    if (reply.status === Status.Success) return true;
    throw errorFor(reply, operation);
  };

  return { value, valueWithToken, exists, stored, found, counter, text, nothing };
}

/** What add, replace, append, prepend and cas resolve to false for; the protocols say it differently. */
function isNotStored(op: Op, status: number): boolean {
  switch (op) {
    case Op.Cas:
      return status === dataExists;
    case Op.Set:
      return status === notStored;
    case Op.Add:
      return status === notStored || status === dataExists;
    default:
      return status === notStored || status === notFound;
  }
}

/** @throws RangeError, which carries the value, if it is not exact as a number */
export function counterResult(
  exact: bigint,
  asBigInt: boolean,
  operation: Pick<Subject, 'op' | 'key'>,
): number | bigint {
  if (asBigInt) return exact;
  const number = Number(exact);
  if (Number.isSafeInteger(number)) return number;
  const name = operationNames[operation.op];
  throw Object.assign(
    new RangeError(`${name}: the new value ${String(exact)} is above 2^53-1; pass { bigint: true }`),
    { value: exact, key: operation.key, operation: name },
  );
}

export function toBigInt(low: number, high: number): bigint {
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}

/** The value's bytes, for keeps. */
function takeBytes(reply: Reply): Buffer {
  if (reply.isOwned) return reply.bytes;
  return Buffer.from(reply.bytes.subarray(reply.start, reply.end));
}

function detailsOf(operation: Subject, server?: string): ErrorDetails {
  const details: ErrorDetails = { operation: operationNames[operation.op] };
  if (operation.key !== undefined) details.key = operation.key;
  if (server !== undefined && server !== '') details.server = server;
  return details;
}

function failure(reply: Reply, operation: Subject, server: string): MemcachedError {
  const text = reply.bytes.toString('utf8', reply.start, reply.end);
  return errorForStatus(reply.status, reply.outcome, text, detailsOf(operation, server));
}

function deserializationError(error: unknown, data: Buffer, flags: number, operation: Subject): DeserializationError {
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof DeserializationError ? error.cause : error;
  return new DeserializationError(`${operationNames[operation.op]}: ${reason}`, data, flags, {
    ...detailsOf(operation),
    cause,
  });
}
