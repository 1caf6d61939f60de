/**
 * A counter that is created if it is not there: incr, then add, and incr once more if somebody else was faster. The
 * protocols have no such operation in common, and what the binary one creates has no flags, so that `get` could not
 * tell that it is a number.
 */

import { serializedParts } from './arguments';
import type { CallOptions } from '../options/call-options';
import { returnCode } from '../errors';
import type { Key } from '../options/keys';
import type { Decoder } from './operation';
import { counterResult, miss } from './decoders';
import type { Requests } from './executor';
import { plainDetails } from '../dispatch/submission-buffer';
import { Op } from '../addon/record-layout';

/** Rounds of incr and add. One is enough unless the counter is created, or deleted, between two requests. */
const maxRounds = 5;
const notFound = returnCode('NOTFOUND');

export interface InitialCounter {
  op: typeof Op.Incr | typeof Op.Decr;
  key: Key;
  delta: bigint;
  initial: bigint;
  /** Of the counter that is created. */
  expiry: number;
  asBigInt: boolean;
}

/**
 * Resolves to the new value, or to `initial` if it was created. `requests`: for follow-ups. The first request is sent at
 * once; all of them share one deadline.
 *
 * Rejects with NotFound if the counter is deleted as fast as others create it.
 */
export async function countFrom(
  requests: Requests,
  counter: InitialCounter,
  options: CallOptions | undefined,
): Promise<number | bigint> {
  const { op, key, initial, asBigInt } = counter;
  const { decoders } = requests;
  const counting = { ...plainDetails, number: counter.delta };
  const orMiss: Decoder = (reply, subject) => (reply.status === notFound ? miss : decoders.counter(reply, subject));
  const { timeout = requests.dispatcher.timeout, signal } = options ?? {};
  const deadline = performance.now() + timeout;
  const callLater = (): CallOptions => ({ timeout: Math.max(1, deadline - performance.now()), signal });
  let call = options;

  for (let round = 1; ; ++round) {
    const isLast = round === maxRounds;
    const decode = isLast ? decoders.counter : orMiss;
    const value = await requests.sendLong(op, key, decode, asBigInt, '', counting, call);
    if (value !== miss) return value as number | bigint;
    const creating = { ...plainDetails, flags: flagsOfDigits(requests, initial), expiry: counter.expiry };
    call = callLater();
    const isCreated = await requests.sendLong(Op.Add, key, decoders.stored, undefined, String(initial), creating, call);
    if (isCreated === true) return counterResult(initial, asBigInt, { op, key });
    call = callLater();
  }
}

/**
 * The flags with which `set` stores an integer as decimal digits, which is what memcached counts in. 0 if the codec
 * stores integers in another way, or not at all: then a counter is plain bytes to it.
 */
function flagsOfDigits(requests: Requests, initial: bigint): number {
  const sample = initial <= Number.MAX_SAFE_INTEGER ? Number(initial) : 0; // a bigint may have flags of its own
  try {
    const { data, flags } = serializedParts(sample, requests.serialize);
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
    return text === String(sample) ? flags : 0;
  } catch {
    return 0;
  }
}
