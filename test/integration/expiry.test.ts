import type { Client, TimeArg } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { inEveryProtocol, secondsLeft, sleep, useClients, useServers } from '../support/clients';
import '../support/wall-clock';

const day = 24 * 60 * 60;
const inSeconds = (seconds: number): Date => new Date(Date.now() + seconds * 1000);
const unixTime = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

// Servers count whole seconds by a clock of their own, which ticks once a second.
const tolerance = 3;

inEveryProtocol(({ connect, server }) => {
  const times: [string, () => TimeArg, number][] = [
    ['a relative time', () => 100, 100],
    ['a time with a fraction', () => 100.9, 100],
    ['30 days', () => 30 * day, 30 * day],
    ['a second more than 30 days', () => 30 * day + 1, 30 * day + 1],
    ['a duration of a year', () => 365 * day, 365 * day],
    ['an absolute time', () => unixTime(500), 500],
    ['a Date', () => inSeconds(600), 600],
    ['a Date in more than 30 days', () => inSeconds(100 * day), 100 * day],
  ];

  it.each(times)('set: %s', async (_name, time, expected) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value', time());
    const left = (await secondsLeft(server(), key)) as number;
    expect(Math.abs(left - expected)).toBeLessThanOrEqual(tolerance);
    await mc.set(key, 'value', { time: time() });
    expect(Math.abs(((await secondsLeft(server(), key)) as number) - expected)).toBeLessThanOrEqual(tolerance);
  });

  it.each(times)('touch: %s', async (_name, time, expected) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value');
    expect(await mc.touch(key, time())).toBe(true);
    const left = (await secondsLeft(server(), key)) as number;
    expect(Math.abs(left - expected)).toBeLessThanOrEqual(tolerance);
  });

  it('add and replace take one as well', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.add(key, 'value', 100);
    expect(await secondsLeft(server(), key)).toBeGreaterThan(95);
    await mc.replace(key, 'value', inSeconds(1000));
    expect(await secondsLeft(server(), key)).toBeGreaterThan(995);
    await mc.replace(key, 'value');
    expect(await secondsLeft(server(), key)).toBe(-1);
  });

  it.each([
    ['0', 0],
    ['-0', -0],
    ['undefined', undefined],
    ['no time in the options', {}],
  ])('never: %s', async (_name, time) => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value', time);
    expect(await secondsLeft(server(), key)).toBe(-1);
  });

  it.each<[string, () => TimeArg]>([
    ['a Date', () => inSeconds(-60)],
    ['the first Date', () => new Date(0)],
    ['a Date before 1970', () => new Date(-1e9)],
    ['an absolute time', () => unixTime(-60)],
  ])('in the past is gone at once: %s', async (_name, time) => {
    const mc = connect();
    const key = uniqueKey();
    expect(await mc.set(key, 'value', time())).toBe(true);
    expect(await mc.get(key)).toBeUndefined();
    await mc.set(key, 'value');
    expect(await mc.touch(key, time())).toBe(true);
    expect(await mc.get(key)).toBeUndefined();
  });
});

describe('values', () => {
  const connect = useClients();
  const servers = useServers(1);

  it('expire after their time, and not before', async () => {
    const clients = ([true, false] as const).map((binary) => connect(servers(), { binary }));
    const prefixes = clients.map(() => uniqueKey('expiring-'));
    const set = async (mc: Client, keyPrefix: string): Promise<void> => {
      await mc.setMulti({ long: 1, touched: 1 }, { keyPrefix });
      await mc.set(`${keyPrefix}short`, 1, 1);
      await mc.set(`${keyPrefix}date`, 1, inSeconds(1));
      await mc.touch(`${keyPrefix}touched`, 1);
      await mc.touch(`${keyPrefix}long`, 60);
    };
    await Promise.all(clients.map((mc, index) => set(mc, prefixes[index] as string)));
    await sleep(3300); // the time, rounded up, and a tick of the server’s clock
    for (const [index, mc] of clients.entries()) {
      const keyPrefix = prefixes[index] as string;
      const found = await mc.getMulti(['long', 'short', 'date', 'touched'], { keyPrefix });
      expect([...found.keys()]).toEqual(['long']);
      expect(await mc.add(`${keyPrefix}short`, 2)).toBe(true);
    }
  });
});
