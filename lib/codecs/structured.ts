/**
 * The structured codec: node:v8's serialization for what JSON would lose (Map, Set, Date, RegExp, typed arrays, cycles).
 * Everything that other languages can read stays as the default codec has it.
 *
 * For trusted writers only: a few hundred bytes that are made for it can have node:v8 use memory without end, or end the
 * process, which no check of ours can see beforehand.
 */

import v8 from 'node:v8';

import { DeserializationError } from '../errors';
import { bytesIn } from '../bytes';
import { describeType } from '../describe-type';
import type { Codec, Serialized } from './codec';
import * as pylibmc from './pylibmc';

/** @throws TypeError for functions and what else cannot be cloned */
function serialize(value: unknown): Serialized {
  const isPlain = typeof value !== 'object' || value === null;
  if (isPlain || bytesIn(value) !== undefined) return pylibmc.serialize(value);
  try {
    return [v8.serialize(value), pylibmc.Flag.Structured];
  } catch (error) {
    throw new TypeError(`cannot store ${describeType(value)}: ${(error as Error).message}`, { cause: error });
  }
}

function deserialize(data: Buffer, flags: number): unknown {
  if ((flags & pylibmc.Flag.Structured) === 0) return pylibmc.deserialize(data, flags);
  try {
    return v8.deserialize(data);
  } catch (error) {
    throw new DeserializationError('the value is not what node:v8 serialized', data, flags, { cause: error });
  }
}

export const structuredCodec: Codec = Object.freeze({ name: 'structured', zlib: true, serialize, deserialize });
