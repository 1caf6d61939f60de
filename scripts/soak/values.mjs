// Random numbers that can be repeated, and random values of every kind that the default codec keeps.

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The same sequence for the same seed. */
export function randomOf(seed) {
  const generator = xoroshiro128plus(seed);
  const next = () => uniformFloat64(generator);
  return {
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

const alphabet = ['a', 'Z', '0', ' ', '\n', 'ä', '€', '日', '😀'];

function randomText(random, length) {
  // A few repeated pieces: cheap to make, and worth compressing.
  const piece = Array.from({ length: 16 }, () => random.pick(alphabet)).join('');
  return piece
    .repeat(Math.ceil(length / piece.length))
    .slice(0, length)
    .toWellFormed();
}

/** Mostly small; now and then one that takes other paths: above 8 KB, above 16 KB, close to the item size limit. */
function randomLength(random) {
  if (random.chance(0.9)) return random.below(300);
  if (random.chance(0.9)) return random.below(20_000);
  return random.below(random.chance(0.9) ? 100_000 : 300_000);
}

export function randomBytes(random) {
  const bytes = Buffer.alloc(randomLength(random), random.below(256));
  for (let index = 0; index < Math.min(bytes.length, 64); index++) bytes[index] = random.below(256);
  return bytes;
}

export function randomString(random) {
  return randomText(random, randomLength(random));
}

const makers = [
  randomString,
  randomString,
  randomBytes,
  (random) => random.below(2 ** 31) - 2 ** 30,
  (random) => random.below(1000) / 7,
  (random) => random.pick([0, -0, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324]),
  (random) => BigInt(random.below(2 ** 31)) ** 4n,
  (random) => random.chance(0.5),
  () => null,
  (random) => ({ id: random.below(1000), tags: [randomText(random, 20), null, true], nested: { empty: {} } }),
];

export function randomValue(random) {
  return random.pick(makers)(random);
}
