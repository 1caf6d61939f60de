/**
 * What a workload asks of a client.
 *
 * Operations return the client's own promise, and the result is read afterwards with `value`, `ok`, `number` and
 * `entry`: plain functions, so that no client pays for a wrapper promise of ours.
 */
export class Adapter {
  /** Whether it can speak TLS. */
  static hasTls = false;

  /** A reason why this client cannot do a workload, or undefined. */
  static lacks(_workload) {
    return undefined;
  }

  /**
   * Makes the client and opens its connections. `values` is 'string' or 'buffer': what the workload stores. `tls`: options
   * of tls.connect, or undefined.
   */
  async connect(_servers, _values, _tls) {
    throw new Error('not implemented');
  }

  // get, set, add, incr, touch (one hour), delete: see the adapters.

  /** Clients without a multi-get get what their users would write. The report marks it. */
  getMulti(keys) {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  /** `entries` are [key, value] pairs. */
  setMulti(entries) {
    return Promise.all(entries.map(([key, value]) => this.set(key, value)));
  }

  /** The value that a get found; undefined on a miss. */
  value(result) {
    return result;
  }

  /** Did a set, add, touch or delete do what it should? */
  ok(result) {
    return result === true;
  }

  /** The new value of a counter. */
  number(result) {
    return result;
  }

  /** One value of a getMulti's result. */
  entry(result, _key, index) {
    return this.value(result[index]);
  }

  /** Did a setMulti store everything? */
  allOk(result) {
    return result.every((one) => this.ok(one));
  }

  async close() {}
}

/** Does this adapter compose `operation` from single gets or sets? */
export function isEmulated(adapterClass, operation) {
  return (
    (operation === 'getMulti' || operation === 'setMulti') &&
    adapterClass.prototype[operation] === Adapter.prototype[operation]
  );
}
