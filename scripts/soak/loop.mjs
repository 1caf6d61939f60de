// One loop of the soak: one call at a time, on keys that are its own, so that its model says exactly what must be read.

import { inspect, isDeepStrictEqual } from 'node:util';

const KEYS = 16;

/** Something was not what the model says. */
export class Finding extends Error {}

export function short(value) {
  const text = inspect(value, { breakLength: Infinity, maxStringLength: 60, maxArrayLength: 8 });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

export class Loop {
  /** What is stored: key → { value, text: can be appended to, mayBeGone, isGone: moments of its expiry }. */
  model = new Map();
  /** Counters: key → bigint. */
  counters = new Map();
  /** On some calls, never aborted: Node warns if listeners are left on it. */
  signal = new AbortController().signal;

  constructor(number, client, isBinary, random) {
    this.name = `loop ${number} (${isBinary ? 'binary' : 'text'})`;
    this.client = client;
    this.isBinary = isBinary;
    this.random = random;
    this.keys = Array.from({ length: KEYS }, (_, index) => `soak:${number}:${index}:ключ`);
    this.counterKeys = Array.from({ length: 4 }, (_, index) => `soak:${number}:counter:${index}`);
    // In binary, keys may have any bytes.
    if (isBinary) this.keys[0] = `soak ${number}\r\n\0`;
    this.prefix = `soak:${number}:`;
  }

  key() {
    return this.random.pick(this.keys);
  }

  someKeys() {
    const count = 1 + this.random.below(this.keys.length);
    const from = this.random.below(this.keys.length);
    return Array.from({ length: count }, (_, index) => this.keys[(from + index) % this.keys.length]);
  }

  /** What must be read now; undefined: nothing. Where an expiry is due, both are right: `orNothing`. */
  stored(key) {
    const entry = this.model.get(key);
    if (entry?.isGone === undefined) return { entry, orNothing: false };
    const now = Date.now();
    if (now > entry.isGone) this.model.delete(key);
    return { entry: now > entry.isGone ? undefined : entry, orNothing: now >= entry.mayBeGone };
  }

  /** Whether a value read is right, where `before` is what stored() said when it was asked for. */
  checkRead(what, { entry, orNothing }, isThere, value) {
    if (!isThere && (entry === undefined || orNothing || this.expiredMeanwhile(entry))) return;
    if (isThere && entry !== undefined && isDeepStrictEqual(value, entry.value)) return;
    const expected = entry === undefined ? 'nothing' : short(entry.value);
    throw new Finding(`${what}: read ${isThere ? short(value) : 'nothing'}, expected ${expected}`);
  }

  expiredMeanwhile(entry) {
    return entry.mayBeGone !== undefined && Date.now() >= entry.mayBeGone;
  }

  check(what, actual, expected) {
    if (!isDeepStrictEqual(actual, expected))
      throw new Finding(`${what}: ${short(actual)}, expected ${short(expected)}`);
  }

  async checkRejects(what, promise, name) {
    const outcome = await promise.then(
      (value) => `it resolved to ${short(value)}`,
      (error) => (error.name === name ? undefined : `it rejected with ${error}`),
    );
    if (outcome !== undefined) throw new Finding(`${what}: ${outcome}, expected ${name}`);
  }

  /** Starts over with what is known: nothing. After a finding, whose cause may have left anything behind. */
  async reset() {
    for (const key of [...this.keys, ...this.counterKeys]) await this.client.delete(key).catch(() => {});
    this.forget();
  }

  forget() {
    this.model.clear();
    this.counters.clear();
  }
}
