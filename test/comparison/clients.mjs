// The clients of docs/comparison.md behind one face. What a client does not have its object does not have either. `timeout` is
// in milliseconds, `servers` are addresses; errors are Errors.

import { promisify } from 'node:util';
import { deflateSync, inflateSync } from 'node:zlib';
import { Client } from 'libmemcached';
import { Memcache } from 'memcache';
import { MemcacheClient } from 'memcache-client';
import Memcached from 'memcached';
import memjs from 'memjs';

const untold = { log() {} };
/** memcache-client has none of its own. */
const compressor = {
  compressSync: ({ input }) => deflateSync(input),
  decompressSync: ({ input }) => inflateSync(input),
};

export const clients = {
  libmemcached({ servers, timeout = 2000, tls, username, password, fails, discovery, binary }) {
    const mc = new Client(discovery ?? servers, {
      timeout,
      ...(tls && { tls }),
      ...(username && { username, password }),
      ...(binary !== undefined && { binary }),
      ...(discovery && { autoDiscovery: true }),
      behaviors: { ketama: true, ...(fails && { remove_failed: 1, retry_timeout: 1 }) },
    });
    return {
      discovers: true,
      get: (key) => mc.get(key),
      set: (key, value) => mc.set(key, value),
      setCompressed: (key, value) => mc.set(key, value, { minCompressLen: 1 }),
      delete: (key) => mc.delete(key),
      getMany: async (keys) => Object.fromEntries(await mc.getMulti(keys)),
      setMany: (values) => mc.setMulti(values),
      async change(key, value) {
        const [, cas] = await mc.gets(key);
        return mc.cas(key, value, cas);
      },
      prepend: (key, value) => mc.prepend(key, value),
      touch: (key, time) => mc.touch(key, time),
      getAndTouch: (key, time) => mc.getAndTouch(key, time),
      incr: (key, amount) => mc.incr(key, amount, { bigint: true }),
      incrFrom: (key, amount, initial) => mc.incr(key, amount, { initial }),
      changeServers: (list) => mc.setServers(list),
      cancel(key) {
        const controller = new AbortController();
        const read = mc.get(key, undefined, { signal: controller.signal });
        controller.abort();
        return read;
      },
      close: () => mc.destroy(),
    };
  },

  memcached({ servers, timeout = 2000, fails }) {
    const mc = new Memcached(
      servers.map((server) => server.replace(/[[\]]/g, '')),
      {
        timeout,
        retries: 0,
        ...(fails && { failures: 1, remove: true, retry: 1000 }),
      },
    );
    const call =
      (method) =>
      (...args) =>
        promisify(mc[method])
          .call(mc, ...args)
          .catch((error) => {
            const first = Array.isArray(error) ? error[0] : error;
            throw first instanceof Error ? first : new Error(String(first));
          });
    const [gets, cas] = [call('gets'), call('cas')];
    return {
      get: call('get'),
      set: (key, value) => call('set')(key, value, 0),
      delete: call('del'),
      getMany: call('getMulti'),
      change: async (key, value) => cas(key, value, (await gets(key)).cas, 0),
      prepend: call('prepend'),
      touch: call('touch'),
      incr: call('incr'),
      close: () => mc.end(),
    };
  },

  memjs({ servers, timeout = 2000, username, password, fails }) {
    const mc = memjs.Client.create(servers.join(','), {
      timeout: timeout / 1000,
      logger: untold,
      ...(username && { username, password }),
      ...(fails && { failover: true, failoverTime: 1 }),
    });
    return {
      get: async (key) => (await mc.get(key)).value ?? undefined,
      set: (key, value) => mc.set(key, value, {}),
      delete: (key) => mc.delete(key),
      prepend: (key, value) => mc.prepend(key, value),
      touch: (key, time) => mc.touch(key, time),
      incr: async (key, amount) => (await mc.increment(key, amount, {})).value,
      incrFrom: async (key, amount, initial) => (await mc.increment(key, amount, { initial })).value,
      close: () => mc.close(),
    };
  },

  'memcache-client'({ servers, timeout = 2000, tls }) {
    const options = {
      cmdTimeout: timeout,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      compressor,
      ...(tls && { tls }),
    };
    const server =
      servers.length === 1
        ? servers[0]
        : {
            servers: servers.map((one) => ({ server: one })),
            config: { retryFailedServerInterval: 500, failedServerOutTime: 1000 },
          };
    const mc = new MemcacheClient({ server, ...options });
    return {
      get: async (key) => (await mc.get(key))?.value,
      set: (key, value) => mc.set(key, value),
      setCompressed: (key, value) => mc.set(key, value, { compress: true }),
      delete: (key) => mc.delete(key),
      getMany: async (keys) =>
        Object.fromEntries(Object.entries(await mc.get(keys)).map(([key, { value }]) => [key, value])),
      async change(key, value) {
        const { casUniq } = await mc.gets(key);
        return (await mc.cas(key, value, { casUniq }))[0] === 'STORED';
      },
      prepend: (key, value) => mc.prepend(key, value),
      touch: (key, time) => mc.touch(key, time),
      incr: (key, amount) => mc.incr(key, amount),
      close: () => mc.shutdown(),
    };
  },

  memcache({ servers, timeout = 2000, tls, username, password, discovery }) {
    const mc = new Memcache({
      nodes: discovery ? [] : servers,
      timeout,
      ...(tls && { tls }),
      ...(username && { sasl: { username, password } }),
      ...(discovery && { autoDiscover: { enabled: true, configEndpoint: discovery } }),
    });
    mc.on('error', () => {});
    return {
      discovers: true,
      connect: () => mc.connect(),
      get: (key) => mc.get(key),
      set: (key, value) => mc.set(key, value),
      delete: (key) => mc.delete(key),
      getMany: async (keys) => Object.fromEntries(await mc.gets(keys)),
      prepend: (key, value) => mc.prepend(key, value),
      touch: (key, time) => mc.touch(key, time),
      incr: (key, amount) => mc.incr(key, amount),
      async changeServers(list) {
        for (const server of list) if (!mc.nodeIds.includes(server)) await mc.addNode(server);
        for (const server of mc.nodeIds) if (!list.includes(server)) await mc.removeNode(server);
      },
      close: () => mc.disconnect(),
    };
  },
};
