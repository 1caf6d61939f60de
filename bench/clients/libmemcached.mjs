import { createRequire } from 'node:module';
import { Adapter } from './adapter.mjs';

// As a user gets it: with the defaults, and so in the text protocol.
export default class Libmemcached extends Adapter {
  static hasTls = true;
  static options = {};

  async connect(servers, _values, tls) {
    const { Client } = createRequire(import.meta.url)('../../dist/index.js');
    this.client = new Client(servers, { ...this.constructor.options, ...(tls && { tls }) });
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
    return this.client.incr(key);
  }

  touch(key) {
    return this.client.touch(key, 3600);
  }

  delete(key) {
    return this.client.delete(key);
  }

  getMulti(keys) {
    return this.client.getMulti(keys);
  }

  setMulti(entries) {
    return this.client.setMulti(entries);
  }

  entry(result, key) {
    return result.get(key);
  }

  allOk(keysNotSet) {
    return keysNotSet.length === 0;
  }

  close() {
    return this.client.close();
  }
}
