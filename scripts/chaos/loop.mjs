// One user of one client: operation after operation on keys of its own, each checked against the model, and timed.

import { CounterModel, KeyModel, shorten } from './model.mjs';

const KEYS = 30;
const COUNTERS = 4;

export class Loop {
  constructor(name, client, kind, random, world) {
    this.client = client;
    this.kind = kind;
    this.random = random;
    /** Counts outcomes, watches promises, and takes findings. */
    this.world = world;
    this.name = name;
    this.keys = Array.from({ length: KEYS }, (_, index) => new KeyModel(`${name}-k${index}`));
    this.counters = Array.from({ length: COUNTERS }, (_, index) => [`${name}-c${index}`, new CounterModel()]);
  }

  async step() {
    const roll = this.random.below(100);
    if (roll < 35) return this.#get(this.random.pick(this.keys));
    if (roll < 60) return this.#set(this.random.pick(this.keys));
    if (roll < 70) return this.#delete(this.random.pick(this.keys));
    if (roll < 82) return this.#count(this.random.pick(this.counters));
    if (roll < 94) return this.#getMulti();
    return this.#setMulti();
  }

  /** Where a key goes, and how often that server has lost what it held. The same before and after: it was there all the time. */
  #epoch(key) {
    const address = this.client.serverFor(key);
    return `${address} ${this.world.lossesOf(address)}`;
  }

  #check(what, problem) {
    if (problem !== undefined) this.world.finding(`${this.kind.name}: ${what} ${problem}`);
  }

  async #get(model) {
    const before = this.#epoch(model.key);
    const read = await this.world.watch('get', this.client.get(model.key), this.kind.timeout);
    if (read.failed) return;
    this.#check(`get ${model.key}`, model.judge(read.value, before, this.#epoch(model.key)));
  }

  async #set(model) {
    const before = this.#epoch(model.key);
    const value = model.next(this.random);
    const number = model.tried;
    const written = await this.world.watch('set', this.client.set(model.key, value), this.kind.timeout);
    this.#noteWrite(model, number, written, before);
  }

  #noteWrite(model, number, written, before) {
    const now = this.#epoch(model.key);
    if (!written.failed) model.acknowledged(number, before, now);
    // Not sent, or refused: what was there is still there.
    else if (written.error.outcomeUnknown) model.unknown();
  }

  async #delete(model) {
    const before = this.#epoch(model.key);
    const deleted = await this.world.watch('delete', this.client.delete(model.key), this.kind.timeout);
    const now = this.#epoch(model.key);
    if (deleted.failed) {
      if (deleted.error.outcomeUnknown) model.unknown();
      return;
    }
    const isCertain = model.expected !== undefined && model.epoch === before && before === now;
    if (isCertain && deleted.value !== model.expected > 0)
      this.#check(`delete ${model.key}`, `gave ${deleted.value}, but write ${model.expected} was acknowledged`);
    model.acknowledged(0, before, now);
  }

  async #count([key, model]) {
    const before = this.#epoch(key);
    if (!model.known || this.random.chance(0.05)) {
      const start = this.random.below(1000);
      const written = await this.world.watch('set', this.client.set(key, start), this.kind.timeout);
      if (!written.failed && before === this.#epoch(key)) model.set(start, before);
      else model.lost();
      return;
    }
    const delta = 1 + this.random.below(9);
    const counted = await this.world.watch('incr', this.client.incr(key, delta), this.kind.timeout);
    const now = this.#epoch(key);
    if (!counted.failed) return this.#check(`incr ${key}`, model.judge(counted.value, delta, before, now));
    if (counted.error.name === 'NotFound') {
      if (model.known && model.epoch === before && before === now) this.#check(`incr ${key}`, 'is gone');
      model.lost();
    } else if (counted.error.outcomeUnknown) {
      model.maybeIncremented(delta);
    }
  }

  async #getMulti() {
    const models = this.keys.filter(() => this.random.chance(0.5));
    const before = models.map(({ key }) => this.#epoch(key));
    const keys = models.map(({ key }) => key);
    const read = await this.world.watch('getMulti', this.client.getMulti(keys), this.kind.timeout);
    // What could be read of a failed one is checked all the same.
    const values = read.failed ? read.error.values : read.value;
    const failed = new Set(read.failed ? (read.error.failedKeys ?? keys) : []);
    for (const [index, model] of models.entries()) {
      if (failed.has(model.key)) continue;
      this.#check(`getMulti ${model.key}`, model.judge(values.get(model.key), before[index], this.#epoch(model.key)));
    }
    for (const key of values?.keys() ?? []) {
      if (!keys.includes(key)) this.#check('getMulti', `has a key that was not asked: ${shorten(key)}`);
    }
  }

  async #setMulti() {
    const models = this.keys.filter(() => this.random.chance(0.2));
    const before = models.map(({ key }) => this.#epoch(key));
    const entries = new Map(models.map((model) => [model.key, model.next(this.random)]));
    const numbers = models.map(({ tried }) => tried);
    const written = await this.world.watch('setMulti', this.client.setMulti(entries), this.kind.timeout);
    const notSet = new Set(written.failed ? entries.keys() : written.value);
    for (const [index, model] of models.entries()) {
      // It does not say whether a write that failed was sent.
      if (notSet.has(model.key)) model.unknown();
      else model.acknowledged(numbers[index], before[index], this.#epoch(model.key));
    }
  }
}
