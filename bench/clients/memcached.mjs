import Memcached from 'memcached';
import { Adapter } from './adapter.mjs';

// Text protocol. poolSize is left at its default of 10, though it makes no difference: the pool tells a busy connection
// by fields that Node's sockets no longer have, so the last connection always counts as free. maxValue is raised because
// Buffers grow by half on the wire (they are sent as UTF-8 of Latin-1).
export default class NodeMemcached extends Adapter {
  async connect(servers) {
    this.client = new Memcached(servers, { maxValue: 8 << 20, timeout: 10_000 });
    // One operation to every server first: the pool refuses operations beyond its size while it connects, and lets
    // them try again after a second.
    await new Promise((resolve, reject) => {
      this.client.version((error) => (error ? reject(first(error)) : resolve()));
    });
  }

  get(key) {
    return new Promise((resolve, reject) => {
      this.client.get(key, (error, value) => (error ? reject(first(error)) : resolve(value)));
    });
  }

  set(key, value) {
    return new Promise((resolve, reject) => {
      this.client.set(key, value, 0, (error, stored) => (error ? reject(first(error)) : resolve(stored)));
    });
  }

  add(key, value) {
    return new Promise((resolve, reject) => {
      this.client.add(key, value, 0, (error, stored) => (error ? reject(first(error)) : resolve(stored)));
    });
  }

  incr(key) {
    return new Promise((resolve, reject) => {
      this.client.incr(key, 1, (error, value) => (error ? reject(first(error)) : resolve(value)));
    });
  }

  touch(key) {
    return new Promise((resolve, reject) => {
      this.client.touch(key, 3600, (error, touched) => (error ? reject(first(error)) : resolve(touched)));
    });
  }

  delete(key) {
    return new Promise((resolve, reject) => {
      this.client.del(key, (error, deleted) => (error ? reject(first(error)) : resolve(deleted)));
    });
  }

  getMulti(keys) {
    return new Promise((resolve, reject) => {
      this.client.getMulti(keys, (error, values) => (error ? reject(first(error)) : resolve(values)));
    });
  }

  entry(result, key) {
    return result[key];
  }

  async close() {
    this.client.end();
  }
}

/** Some of its errors are arrays, or strings. */
function first(error) {
  const one = Array.isArray(error) ? error[0] : error;
  return one instanceof Error ? one : new Error(String(one));
}
