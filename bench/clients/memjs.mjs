import memjs from 'memjs';
import { Adapter } from './adapter.mjs';

// Binary protocol, one connection a server, no multi-get. Its callbacks are wrapped once here: its own promise form
// wraps them too, and allocates a { value, flags } besides. The default timeout of 0.5 s would fail whole runs under
// load and cost nothing less than 10 s does (one timer per connection).
export default class Memjs extends Adapter {
  async connect(servers, values) {
    this.text = values === 'string';
    this.client = memjs.Client.create(servers.join(','), { timeout: 10, logger: { log() {} } });
    let waiting = servers.length;
    await new Promise((resolve, reject) => {
      this.client.stats((error) => {
        if (error) reject(error);
        else if (--waiting === 0) resolve();
      });
    });
  }

  get(key) {
    return new Promise((resolve, reject) => {
      this.client.get(key, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }

  set(key, value) {
    return new Promise((resolve, reject) => {
      this.client.set(key, value, {}, (error, stored) => (error ? reject(error) : resolve(stored)));
    });
  }

  add(key, value) {
    return new Promise((resolve, reject) => {
      this.client.add(key, value, {}, (error, stored) => (error ? reject(error) : resolve(stored)));
    });
  }

  incr(key) {
    return new Promise((resolve, reject) => {
      this.client.increment(key, 1, {}, (error, _ok, value) => (error ? reject(error) : resolve(value)));
    });
  }

  touch(key) {
    return new Promise((resolve, reject) => {
      this.client.touch(key, 3600, (error, touched) => (error ? reject(error) : resolve(touched)));
    });
  }

  delete(key) {
    return new Promise((resolve, reject) => {
      this.client.delete(key, (error, deleted) => (error ? reject(error) : resolve(deleted)));
    });
  }

  // It hands out Buffers only; who stored a string wants a string.
  value(result) {
    if (result === null) return undefined;
    return this.text ? result.toString() : result;
  }

  async close() {
    this.client.close();
  }
}
