// What may be read. Each key belongs to one loop, which awaits one operation on it after the other, so its history is known:
//
// - A value that was never written for that key is a finding, always.
// - What was acknowledged last must be read, unless something came between: a write whose outcome is unknown, or a loss: its
//   server was killed, or the key went to another server meanwhile.
//
// An epoch is where a key goes and how often that server has lost everything: while it is the same, nothing was lost.
// Values name their key and their place in its history: "key#7:…".

export class KeyModel {
  /** Number of the last write that was tried. */
  tried = 0;
  /** What must be read: a write's number, 0 for a miss; undefined if that is not known. */
  expected = undefined;

  constructor(key) {
    this.key = key;
  }

  next(random) {
    return `${this.key}#${++this.tried}:${'x'.repeat(random.below(200))}`;
  }

  /** A write was acknowledged. Which epoch counts is only certain if it did not change meanwhile. */
  acknowledged(number, epochBefore, epochNow) {
    this.expected = epochBefore === epochNow ? number : undefined;
    this.epoch = epochNow;
  }

  unknown() {
    this.expected = undefined;
  }

  /** @returns what is wrong with having read `value`, or undefined */
  judge(value, epochBefore, epochNow) {
    let number = 0;
    if (value !== undefined) {
      const match = /^(.*)#(\d+):x*$/s.exec(value);
      if (match === null || match[1] !== this.key) return `was never written for this key: ${shorten(value)}`;
      number = Number(match[2]);
      if (number > this.tried) return `was not written yet: ${shorten(value)}`;
    }
    const isCertain = this.expected !== undefined && this.epoch === epochBefore && epochBefore === epochNow;
    if (isCertain && number !== this.expected)
      return `is write ${number}, but write ${this.expected} was acknowledged (0 is a miss)`;
    return undefined;
  }
}

export class CounterModel {
  /** Between these, unless it was lost. */
  least = 0;
  most = 0;
  known = false;

  set(value, epoch) {
    this.least = this.most = value;
    this.known = true;
    this.epoch = epoch;
  }

  maybeIncremented(delta) {
    this.most += delta;
  }

  /** @returns what is wrong with `value` as the result of adding `delta`, or undefined */
  judge(value, delta, epochBefore, epochNow) {
    const isCertain = this.known && this.epoch === epochBefore && epochBefore === epochNow;
    const wrong = isCertain && (value < this.least + delta || value > this.most + delta);
    const text = `${value}, expected ${this.least + delta} … ${this.most + delta}`;
    if (epochBefore === epochNow) this.set(value, epochNow);
    else this.known = false;
    return wrong ? text : undefined;
  }

  lost() {
    this.known = false;
  }
}

export const shorten = (value) => JSON.stringify(String(value)).slice(0, 80);
