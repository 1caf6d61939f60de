// num_replicas copies what set and delete do, and nothing else: seen in each server. (Reads that fall back:
// test/failover/replicas.test.ts.)

import type { Client } from '../../lib/index';
import { until } from '../support/failover-clusters';
import { uniqueKey } from '../support/unique-keys';
import { protocols, stored, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(3);

describe.each(protocols)('binary: %s', (binary) => {
  const make = (behaviors = {}) => connect(servers(), { binary, behaviors: { num_replicas: 2, ...behaviors } });
  /** The key's own server first. */
  const bytesOf = async (mc: Client, key: string): Promise<(string | undefined)[]> => {
    const home = servers().findIndex(({ address }) => address === mc.serverFor(key));
    const order = [...servers().slice(home), ...servers().slice(0, home)];
    return Promise.all(order.map(async (server) => (await stored(server, key))?.bytes));
  };
  const become = (mc: Client, key: string, expected: (string | undefined)[]) =>
    until(async () => JSON.stringify(await bytesOf(mc, key)) === JSON.stringify(expected));

  it('set and setMulti go to all, delete and deleteMulti, too', async () => {
    const mc = make();
    const [one, two] = [uniqueKey(), uniqueKey()];
    await mc.set(one, 'value');
    await mc.setMulti({ [two]: 'value' });
    for (const key of [one, two]) await become(mc, key, ['value', 'value', 'value']);
    await mc.delete(one);
    await mc.deleteMulti([two]);
    for (const key of [one, two]) await become(mc, key, [undefined, undefined, undefined]);
  });

  it.each<[string, (mc: Client, key: string) => Promise<unknown>, string]>([
    ['replace', (mc, key) => mc.replace(key, 'new'), 'new'],
    ['append', (mc, key) => mc.append(key, '0'), '10'],
    ['prepend', (mc, key) => mc.prepend(key, '2'), '21'],
    ['incr', (mc, key) => mc.incr(key), '2'],
    ['decr', (mc, key) => mc.decr(key), '0'],
    ['cas', async (mc, key) => mc.cas(key, 'new', (await mc.gets(key))[1] ?? 0n), 'new'],
  ])('%s changes the key’s own server only', async (_name, change, result) => {
    const mc = make();
    const key = uniqueKey();
    await mc.set(key, '1');
    await become(mc, key, ['1', '1', '1']);
    await change(mc, key);
    await mc.getMulti(Array.from({ length: 30 }, () => uniqueKey())); // every server has worked off what came before
    expect(await bytesOf(mc, key)).toEqual([result, '1', '1']);
  });

  it('add goes to the key’s own server only', async () => {
    const mc = make();
    const key = uniqueKey();
    expect(await mc.add(key, 'value')).toBe(true);
    await mc.getMulti(Array.from({ length: 30 }, () => uniqueKey()));
    expect(await bytesOf(mc, key)).toEqual(['value', undefined, undefined]);
  });

  it('copies are beside the first one, wherever that is: with the distribution random, too', async () => {
    const mc = make({ distribution: 'random' });
    const keys = Array.from({ length: 30 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 'value'] as const));
    const isEverywhere = async (key: string): Promise<boolean> => {
      const copies = await Promise.all(servers().map((server) => stored(server, key)));
      return copies.every((copy) => copy?.bytes === 'value');
    };
    for (const key of keys) await until(() => isEverywhere(key));
  });

  it('can be taken back at run time', async () => {
    const mc = make({ num_replicas: 1 });
    const key = uniqueKey();
    await mc.set(key, 'old');
    await become(mc, key, ['old', 'old', undefined]);
    mc.behaviors.num_replicas = 0;
    await mc.set(key, 'new');
    await mc.getMulti(Array.from({ length: 30 }, () => uniqueKey()));
    expect(await bytesOf(mc, key)).toEqual(['new', 'old', undefined]);
  });
});
