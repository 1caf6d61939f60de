import { MemcacheClient } from 'memcache-client';
import { Adapter } from './adapter.mjs';

// Text protocol. One connection, its default: 2, 4 and 10 were tried at 10, 100 and 1,000 in flight and were not faster.
// noDelay is off unless asked for. It finds its servers at random, so it takes part with one server only.
export default class WalmartMemcacheClient extends Adapter {
  static hasTls = true;

  static lacks({ servers }) {
    return servers > 1 ? 'sends each command to a random server (replicas, no key distribution)' : undefined;
  }

  async connect([server], _values, tls) {
    this.client = new MemcacheClient({
      server,
      noDelay: true,
      cmdTimeout: 10_000,
      ...(tls && { tls }),
    });
    await this.client.version();
  }

  get(key) {
    return this.client.get(key);
  }

  set(key, value) {
    return this.client.set(key, value);
  }

  add(key, value) {
    return this.client.add(key, value);
  }

  incr(key) {
    return this.client.incr(key, 1);
  }

  touch(key) {
    return this.client.touch(key, 3600);
  }

  delete(key) {
    return this.client.delete(key);
  }

  getMulti(keys) {
    return this.client.get(keys);
  }

  value(result) {
    return result?.value;
  }

  // A command that fails rejects; one that succeeds resolves to the words of the answer.
  ok(result) {
    return result.length === 1;
  }

  number(result) {
    return Number(result);
  }

  entry(result, key) {
    return result[key]?.value;
  }

  async close() {
    this.client.shutdown();
  }
}
