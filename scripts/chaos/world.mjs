// What all loops share: the watch over every promise, the outcomes, the findings, and what servers may have lost.

const FINDINGS_SHOWN = 20;

export class World {
  operations = 0;
  /** `set ok`, `get TimeoutError`, `set TimeoutError, outcome unknown`, … */
  outcomes = new Map();
  findings = 0;
  /** The worst that a promise settled after its deadline, in milliseconds; below 0: before. */
  worst = { late: -Infinity, operation: 'none', took: 0, starved: 0 };
  /** How many promises settled more than the margin after their deadline because others had the processors. */
  starved = 0;
  #pending = new Set();
  #losses = new Map();

  constructor(margin, thread) {
    this.margin = margin;
    this.thread = thread;
  }

  finding(text) {
    if (++this.findings <= FINDINGS_SHOWN) console.log(`FINDING ${text}`);
  }

  /** Something that this server held may be gone. */
  lost(address) {
    this.#losses.set(address, this.lossesOf(address) + 1);
  }

  lossesOf(address) {
    return this.#losses.get(address) ?? 0;
  }

  /** Waits for an operation; never rejects. */
  async watch(operation, promise, timeout) {
    const watched = { operation, timeout, start: performance.now(), reported: false };
    this.#pending.add(watched);
    this.operations++;
    const settled = await promise.then(
      (value) => ({ failed: false, value }),
      (error) => ({ failed: true, error }),
    );
    this.#pending.delete(watched);
    const took = performance.now() - watched.start;
    this.#count(operation, settled);
    if (took - timeout > Math.max(0, this.worst.late) || took > timeout + this.margin) {
      this.#judgeLateness(operation, took, watched.start + timeout);
    } else if (took - timeout > this.worst.late) {
      this.worst = { late: took - timeout, operation, took, starved: 0 };
    }
    return settled;
  }

  #judgeLateness(operation, took, deadline) {
    const late = performance.now() - deadline;
    const starved = this.thread.waitedSince(deadline);
    if (late > this.worst.late) this.worst = { late, operation, took, starved };
    if (late <= this.margin) return;
    if (late - starved <= this.margin) this.starved++;
    else
      this.finding(`${operation} settled ${Math.round(late)} ms after its deadline (${Math.round(starved)} starved)`);
  }

  #count(operation, { failed, error }) {
    let kind = 'ok';
    if (failed) {
      kind = error.outcomeUnknown ? `${error.name}, outcome unknown` : error.name;
      const isOurs = String(error.code).startsWith('ERR_MEMCACHED_');
      if (!isOurs) this.finding(`${operation} rejected with ${error.stack}`);
    }
    const name = `${operation}: ${kind}`;
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1);
  }

  /** To be called now and then: promises that are far beyond their deadline are findings before they settle, if ever. */
  inspect() {
    const now = performance.now();
    for (const watched of this.#pending) {
      const late = now - watched.start - watched.timeout;
      if (late - this.thread.waitedSince(now - late) < 2 * this.margin || watched.reported) continue;
      watched.reported = true;
      this.finding(`${watched.operation} has not settled ${Math.round(late)} ms after its deadline`);
    }
  }

  get unsettled() {
    return this.#pending.size;
  }
}
