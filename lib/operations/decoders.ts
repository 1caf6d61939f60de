/** How completions become results: a decoder for each kind of result. */

import { Op, operationNames, Status } from '../addon/record-layout';
import { rejectPromise, type Codec } from '../codecs/codec';
import type { Completion } from '../dispatch/pending-operation';
import {
  CacheMiss,
  DeserializationError,
  errorForStatus,
  returnCode,
  type ErrorDetails,
  type MemcachedError,
} from '../errors';
import type { ErrorCounts } from '../observability/metrics';
import type { Decoder, Subject } from './operation';

const notFound = returnCode('NOTFOUND');
const notStored = returnCode('NOTSTORED');
const dataExists = returnCode('DATA_EXISTS');

/** Nothing is stored under the key: told apart from every value. */
export const miss = Symbol('miss');
export type Miss = typeof miss;

/** A Buffer with the methods that Node has but does not document; they skip the look-up of the encoding's name. */
interface SliceableBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
}

/** pylibmc's flags of a plain string: the one type that is worth a path of its own. */
const textFlags = 16;

/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- `T` is what the caller says that the value is: only
   the caller can know. */

export interface Decoders {
  /** The value; on a miss the operation's fallback. */
  valueOrFallback: Decoder<unknown>;
  valueOrMiss: <T>(completion: Completion, subject: Subject) => T | Miss;
  valueWithToken: <T>(completion: Completion, subject: Subject) => [value: T, cas: bigint] | Miss;
  valueWithTokenOrNothing: <T>(
    completion: Completion,
    subject: Subject,
  ) => [value: T, cas: bigint] | [undefined, undefined];
  /** Whether it is there: of a read, and of what deletes or touches. */
  exists: Decoder<boolean>;
  stored: Decoder<boolean>;
  counter: Decoder<number>;
  exactCounter: Decoder<bigint>;
  text: Decoder<string>;
  textOrMiss: Decoder<string | Miss>;
  nothing: Decoder<true>;
}

export interface DecoderContext {
  /** Returns undefined for the default codec, which is called directly. */
  deserializer: () => ((data: Buffer, flags: number) => unknown) | undefined;
  standard: Codec;
  servers: { name(index: number): string; readonly errors: ErrorCounts };
  /** Bytes that one value may become when it is decompressed. */
  maxInflated: number;
}

/** Returns the decoders of one client. */
export function makeDecoders(context: DecoderContext): Decoders {
  const { servers } = context;

  const counted = <E extends Error>(error: E, server: number): E => {
    servers.errors.count(server, error);
    return error;
  };

  const toError = (completion: Completion, subject: Subject): MemcachedError => {
    const text = completion.bytes.toString('utf8', completion.start, completion.end);
    const details = toDetails(subject);
    const server = servers.name(completion.server);
    if (server !== '') details.server = server;
    const { status, outcome, timeout } = completion;
    return counted(errorForStatus(status, outcome, text, details, timeout), completion.server);
  };

  const readValue = (completion: Completion, subject: Subject): unknown => {
    if (completion.status === Status.BadCompression) {
      const reason =
        'the flags say that the value is compressed, but it cannot be decompressed: ' +
        `it is not in zlib format, or has more than ${context.maxInflated} bytes (maxInflated)`;
      const error = new DeserializationError(reason, takeBytes(completion), completion.flags, toDetails(subject));
      throw counted(error, completion.server);
    }
    const own = context.deserializer();
    if (own === undefined && completion.flags === textFlags)
      return (completion.bytes as SliceableBuffer).utf8Slice(completion.start, completion.end);
    const { flags, server } = completion; // a codec that calls us may cause the next one
    const data = takeBytes(completion);
    try {
      if (own === undefined) return context.standard.deserialize(data, flags);
      const value = own(data, flags);
      rejectPromise(value, 'deserialize');
      return value;
    } catch (error) {
      if (error instanceof CacheMiss) return miss;
      throw counted(deserializationError(error, data, flags, subject), server);
    }
  };

  const valueOrMiss = <T>(completion: Completion, subject: Subject): T | Miss => {
    const { status } = completion;
    if (status === Status.Success || status === Status.BadCompression)
      return readValue(completion, subject) as T | Miss;
    if (status === notFound) return miss;
    throw toError(completion, subject);
  };

  const valueWithToken = <T>(completion: Completion, subject: Subject): [T, bigint] | Miss => {
    const { numberLow, numberHigh } = completion;
    const value = valueOrMiss<T>(completion, subject);
    return value === miss ? miss : [value, toBigInt(numberLow, numberHigh)];
  };

  const stored: Decoder<boolean> = (completion, subject) => {
    if (completion.status === Status.Success) return true;
    if (isNotStored(subject.op, completion.status)) return false;
    throw toError(completion, subject);
  };

  const assertSuccess = (completion: Completion, subject: Subject): void => {
    if (completion.status !== Status.Success) throw toError(completion, subject);
  };

  const text: Decoder<string> = (completion, subject) => {
    assertSuccess(completion, subject);
    return completion.bytes.toString('utf8', completion.start, completion.end);
  };

  return {
    valueOrFallback: (completion, subject) => {
      const value = valueOrMiss(completion, subject);
      return value === miss ? subject.fallback : value;
    },
    valueOrMiss,
    valueWithToken,
    valueWithTokenOrNothing: (completion, subject) => {
      const found = valueWithToken<never>(completion, subject);
      return found === miss ? [undefined, undefined] : found;
    },
    exists: (completion, subject) => {
      const { status } = completion;
      if (status === Status.Success || status === Status.BadCompression) return true;
      if (status === notFound) return false;
      throw toError(completion, subject);
    },
    stored,
    counter: (completion, subject) => {
      assertSuccess(completion, subject);
      const { numberLow, numberHigh } = completion;
      if (numberHigh < 2 ** 21) return numberHigh * 2 ** 32 + numberLow;
      throw inexactError(toBigInt(numberLow, numberHigh), subject);
    },
    exactCounter: (completion, subject) => {
      assertSuccess(completion, subject);
      return toBigInt(completion.numberLow, completion.numberHigh);
    },
    text,
    textOrMiss: (completion, subject) => (completion.status === notFound ? miss : text(completion, subject)),
    nothing: (completion, subject) => {
      assertSuccess(completion, subject);
      return true;
    },
  };
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

/** Returns the RangeError for a counter that is not exact as a number; it carries the value. */
export function inexactError(exact: bigint, { op, key }: Pick<Subject, 'op' | 'key'>): RangeError {
  const operation = operationNames[op];
  const error = new RangeError(`${operation}: the new value ${exact} is above 2^53-1; pass { bigint: true }`);
  return Object.assign(error, { value: exact, key, operation });
}

export function toBigInt(low: number, high: number): bigint {
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}

/** Returns the value's bytes, for keeps. */
function takeBytes(completion: Completion): Buffer {
  if (completion.isOwned) return completion.bytes;
  return Buffer.from(completion.bytes.subarray(completion.start, completion.end));
}

function toDetails({ op, key }: Subject): ErrorDetails {
  const details: ErrorDetails = { operation: operationNames[op] };
  if (key !== undefined) details.key = key;
  return details;
}

function deserializationError(error: unknown, data: Buffer, flags: number, subject: Subject): DeserializationError {
  const reason = error instanceof Error ? error.message : String(error);
  const details = toDetails(subject);
  details.cause = error instanceof DeserializationError ? error.cause : error;
  return new DeserializationError(`${operationNames[subject.op]}: ${reason}`, data, flags, details);
}
