import { fillForDelete } from './fill.mjs';

/**
 * One operation each: `start(n)` begins the n-th and returns the client's promise, `right(result)` tells whether it did
 * its work. The check is cheap, for it runs within the measurement; check.mjs has looked closely before.
 *
 * An operation that uses something up has `refill`, which makes ready `supply` more, outside the measurement.
 */
export const operations = {
  get(adapter, { keys, size }) {
    return {
      start: (n) => adapter.get(keys[n % keys.length]),
      right: (result) => adapter.value(result)?.length === size,
    };
  },

  set(adapter, { keys, values }) {
    return {
      start: (n) => adapter.set(keys[n % keys.length], values[n % keys.length]),
      right: (result) => adapter.ok(result),
    };
  },

  /** 90 % get, 10 % set. */
  mix(adapter, data) {
    const get = operations.get(adapter, data);
    const set = operations.set(adapter, data);
    return {
      start: (n) => (n % 10 === 9 ? set.start(n) : get.start(n)),
      right: (result, n) => (n % 10 === 9 ? set.right(result) : get.right(result)),
    };
  },

  incr(adapter, { keys }) {
    const counters = keys.map((_, index) => `bench:counter:${index}`);
    return {
      seed: () => counters.map((key) => [key, '0']),
      start: (n) => adapter.incr(counters[n % counters.length]),
      right: (result) => adapter.number(result) > 0,
    };
  },

  /** Every key is new. */
  add(adapter, { values }) {
    return {
      start: (n) => adapter.add(`bench:new:${n}`, values[0]),
      right: (result) => adapter.ok(result),
    };
  },

  touch(adapter, { keys }) {
    return {
      start: (n) => adapter.touch(keys[n % keys.length]),
      right: (result) => adapter.ok(result),
    };
  },

  /** Every key is there. */
  delete(adapter, _data, servers) {
    const fill = fillForDelete(servers[0], 50_000);
    return {
      supply: fill.keys.length,
      refill: fill.run,
      start: (n) => adapter.delete(fill.keys[n % fill.keys.length]),
      right: (result) => adapter.ok(result),
    };
  },

  getMulti(adapter, { keys, size }, _servers, perCall) {
    const calls = slices(keys, perCall);
    return {
      start: (n) => adapter.getMulti(calls[n % calls.length]),
      right: (result, n) => {
        const call = calls[n % calls.length];
        return [0, perCall - 1].every((at) => adapter.entry(result, call[at], at)?.length === size);
      },
    };
  },

  setMulti(adapter, { keys, values }, _servers, perCall) {
    const calls = slices(
      keys.map((key, index) => [key, values[index]]),
      perCall,
    );
    return {
      start: (n) => adapter.setMulti(calls[n % calls.length]),
      right: (result) => adapter.allOk(result),
    };
  },
};

function slices(list, length) {
  return Array.from({ length: Math.floor(list.length / length) }, (_, at) =>
    list.slice(at * length, (at + 1) * length),
  );
}
