import { Memcache, ModulaHash } from 'memcache';
import { Adapter } from './adapter.mjs';

// Text protocol, one connection a server. Its other hash, ketama, is about a tenth slower here: it keeps the last 5,000
// keys in a table and then starts over, and there are more keys than that.
export default class Memcache110 extends Adapter {
  static hasTls = true;

  static lacks({ values }) {
    return values === 'buffer' ? 'stores strings only' : undefined;
  }

  async connect(servers, _values, tls) {
    this.client = new Memcache({ nodes: servers, timeout: 10_000, hash: new ModulaHash(), ...(tls && { tls }) });
    await this.client.connect();
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
    return this.client.gets(keys);
  }

  entry(result, key) {
    return result.get(key);
  }

  close() {
    return this.client.disconnect();
  }
}
