// connect_timeout, receive_timeout, _poll_timeout: how long a server is waited for that says nothing. send_timeout, which
// only sets an option of the socket.

import type { Behaviors, Client } from '../../lib/index';
import { MARGIN, sleep, tally, timed, useClients } from '../support/failover-clusters';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { startFullBacklog, type FullBacklog } from '../support/full-backlog';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { protocols } from '../support/clients';

const connect = useClients();
/** Far longer than anything here is to take. */
const LONG = 10_000;
const SHORT = 200;

const operations: [name: string, call: (mc: Client) => Promise<unknown>][] = [
  ['get', (mc) => mc.get('key')],
  ['getMulti', (mc) => mc.getMulti(['key', 'other'])],
  ['set', (mc) => mc.set('key', 'value')],
  ['incr', (mc) => mc.incr('key')],
  ['touch', (mc) => mc.touch('key', 1)],
  ['getStats', (mc) => mc.getStats()],
];

describe.each(protocols)('binary: %s', (binary) => {
  describe('a server that went silent', () => {
    let server: MemcachedServer;
    let proxy: FaultProxy;
    beforeAll(async () => {
      server = await startMemcached();
    });
    beforeEach(async () => {
      proxy = await startFaultProxy(server);
    });
    afterEach(() => proxy.stop());
    afterAll(stopAll);

    const connected = async (timeout: number, behaviors: Partial<Behaviors>): Promise<Client> => {
      const mc = connect(proxy, { binary, timeout, behaviors: { retry_timeout: 0, ...behaviors } });
      await mc.set(uniqueKey(), 1);
      return mc;
    };
    const silence = () => {
      proxy.set('answers', { hold: true });
    };

    const waits: Partial<Behaviors>[] = [
      { receive_timeout: SHORT * 1000 },
      { _poll_timeout: SHORT },
      { receive_timeout: SHORT * 1000, _poll_timeout: LONG },
      { receive_timeout: LONG * 1000, _poll_timeout: SHORT },
    ];

    it.each(waits)('is waited for by %j', async (behaviors) => {
      const clients = await Promise.all(operations.map(() => connected(LONG, behaviors)));
      silence();
      const results = await Promise.all(operations.map(([, call], index) => timed(call(clients[index] as Client))));
      expect(tally(results)).toEqual({ TimeoutError: operations.length });
      const times = results.map(({ milliseconds }) => milliseconds);
      expect(Math.min(...times)).toBeGreaterThan(SHORT * 0.9);
      expect(Math.max(...times)).toBeLessThan(SHORT + MARGIN);
    });

    it.each(waits.slice(0, 2))('%j, set and taken back at run time', async (behaviors) => {
      const mc = await connected(3 * SHORT, {});
      const before = mc.getBehaviors();
      silence();
      expect((await timed(mc.get('key'))).milliseconds).toBeGreaterThan(3 * SHORT * 0.9); // the deadline
      proxy.heal();
      mc.setBehaviors(behaviors);
      await sleep(50); // what timed out above is over natively, too
      await mc.set(uniqueKey(), 1);
      silence();
      const { outcome, milliseconds } = await timed(mc.get('key'));
      expect(outcome).toBe('TimeoutError');
      expect(milliseconds).toBeGreaterThan(SHORT * 0.9);
      expect(milliseconds).toBeLessThan(2.5 * SHORT);
      proxy.heal();
      mc.setBehaviors(before);
      await mc.set(uniqueKey(), 1);
      silence();
      expect((await timed(mc.get('key'))).milliseconds).toBeGreaterThan(3 * SHORT * 0.9);
    });

    it('is waited for while it is slow, but within the time', async () => {
      const mc = await connected(LONG, { receive_timeout: 2_000_000, _poll_timeout: 2000, send_timeout: 50_000 });
      proxy.set('answers', { delay: 300 }); // longer than send_timeout, which is for sending
      const key = uniqueKey();
      expect(await mc.set(key, 'value')).toBe(true);
      expect(await mc.get(key)).toBe('value');
    });

    it('a client’s own timeout and that of a call come first', async () => {
      const mc = await connected(LONG, { receive_timeout: LONG * 1000, _poll_timeout: LONG });
      silence();
      const { outcome, milliseconds } = await timed(mc.get('key', undefined, { timeout: SHORT }));
      expect(outcome).toBe('TimeoutError');
      expect(milliseconds).toBeLessThan(SHORT + MARGIN);
    });
  });

  describe('a server that accepts no connection', () => {
    let full: FullBacklog;
    beforeAll(async () => {
      full = await startFullBacklog();
    });
    afterAll(() => {
      full.stop();
    });

    it('is waited for by connect_timeout', async () => {
      const mc = connect(full, { binary, timeout: LONG, behaviors: { connect_timeout: SHORT } });
      const { outcome, milliseconds } = await timed(mc.get('key'));
      expect(['TimeoutError', 'ConnectionError']).toContain(outcome);
      expect(milliseconds).toBeGreaterThan(SHORT * 0.9);
      expect(milliseconds).toBeLessThan(SHORT + MARGIN);
    });

    it('connect_timeout, set at run time', async () => {
      const mc = connect(full, { binary, timeout: 4 * SHORT, behaviors: { retry_timeout: 0 } });
      expect((await timed(mc.get('key'))).milliseconds).toBeGreaterThan(4 * SHORT * 0.9); // the deadline
      mc.behaviors.connect_timeout = SHORT / 4;
      await sleep(50);
      await timed(mc.get('key')); // may still be the first attempt's
      const { outcome, milliseconds } = await timed(mc.get('key'));
      expect(['TimeoutError', 'ConnectionError']).toContain(outcome);
      expect(milliseconds).toBeLessThan(2 * SHORT);
    });
  });
});
