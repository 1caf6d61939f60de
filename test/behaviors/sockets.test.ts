// Behaviors that are options of the sockets: what the kernel says about them.

import type { Behaviors, Client } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { socketOptions, type SocketOptions } from '../support/socket-options';
import { protocols, useClients } from '../support/clients';

const connect = useClients();
let server: MemcachedServer;
beforeEach(async () => {
  server = await startMemcached(); // a port that no other test has connections to
});
afterEach(stopAll);

/** What does not depend on how much was sent, of every connection to the server. */
async function options(): Promise<Omit<SocketOptions, 'segmentsOut'>[]> {
  const found = await socketOptions(server);
  return found.map(({ segmentsOut: _sent, ...rest }) => rest);
}

const cases: [behaviors: Partial<Behaviors>, effect: Partial<SocketOptions>][] = [
  [{ tcp_nodelay: false }, { noDelay: false }],
  [{ tcp_keepalive: true }, { keepAlive: true }],
  [{ tcp_keepidle: 31 }, { keepIdle: 31 }],
  [{ tcp_keepintvl: 7 }, { keepInterval: 7 }],
  [{ no_block: true }, { linger: 0 }],
  [{ send_timeout: 1_500_000 }, { sendTimeout: 1_500_000 }],
  [{ receive_timeout: 2_500_000 }, { receiveTimeout: 2_500_000 }],
  [{ _socket_send_size: 30_000 }, { sendBuffer: 60_000 }],
  [{ _socket_recv_size: 40_000 }, { receiveBuffer: 80_000 }],
];
const plain: Partial<SocketOptions> = {
  noDelay: true,
  keepAlive: false,
  linger: null,
  sendTimeout: 0,
  receiveTimeout: 0,
};

describe.each(protocols)('binary: %s', (binary) => {
  const use = async (mc: Client) => {
    const key = uniqueKey();
    await mc.set(key, 'value');
    expect(await mc.get(key)).toBe('value');
  };

  it('without any of them the sockets are the system’s, with TCP_NODELAY', async () => {
    await use(connect(server, { binary }));
    expect(await options()).toEqual([expect.objectContaining(plain)]);
  });

  it.each(cases)('%j', async (behaviors, effect) => {
    await use(connect(server, { binary, behaviors }));
    expect(await options()).toEqual([expect.objectContaining({ ...plain, ...effect })]);
  });

  it.each(cases)('%j, set and taken back while it is connected', async (behaviors, effect) => {
    const mc = connect(server, { binary });
    await use(mc);
    const [name] = Object.keys(behaviors) as [keyof Behaviors];
    const [before, usual] = [mc.getBehaviors()[name], await options()];
    mc.setBehaviors(behaviors);
    await use(mc);
    expect(await options()).toEqual([{ ...usual[0], ...effect }]);
    mc.setBehaviors({ [name]: before });
    await use(mc);
    expect(await options()).toEqual(usual);
  });

  it('all of them at once, and on connections that are made later', async () => {
    const [behaviors, effect] = [0, 1].map((part) => Object.assign({}, ...cases.map((each) => each[part])) as object);
    const mc = connect(server, { binary, behaviors: behaviors as Partial<Behaviors> });
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    for (let round = 0; round < 2; ++round) {
      await mc.setMulti(keys.map((key) => [key, 1] as const));
      expect(await options()).toEqual([effect]);
      await mc.disconnectAll();
    }
  });

  it('whatever is asked, and however much: one connection', async () => {
    const mc = connect(server, { binary });
    const keys = Array.from({ length: 200 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 0] as const));
    await Promise.all([mc.getMulti(keys), ...keys.map((key) => mc.incr(key)), ...keys.map((key) => mc.get(key))]);
    expect(await options()).toEqual([expect.objectContaining(plain)]);
  });
});

it('a clone has them, too', async () => {
  const mc = connect(server);
  mc.behaviors.tcp_keepalive = true;
  const copy = mc.clone();
  await copy.set(uniqueKey(), 1);
  expect(await options()).toEqual([expect.objectContaining({ ...plain, keepAlive: true })]);
  copy.destroy();
});
