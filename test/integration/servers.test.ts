import { uniqueKey } from '../support/unique-keys';
import { rawCommand } from '../support/raw-command';
import {
  everywhere,
  failure,
  haveConnections,
  inEveryProtocol,
  quietConnections,
  secondsLeft,
  stored,
  useClients,
  useServers,
} from '../support/clients';

everywhere(({ connect, server, transport }) => {
  it('version: of each server, by its name', async () => {
    const raw = (await rawCommand(server(), 'version\r\n')).trim().replace('VERSION ', '');
    expect(await connect().version()).toEqual(new Map([[server().address, raw]]));
  });

  it("getStats: one pair a server, with pylibmc's name", async () => {
    const [pair, ...more] = await connect().getStats();
    expect(more).toEqual([]);
    const { host, port, path } = server();
    expect(pair?.[0]).toBe(transport === 'unix' ? `${String(path)}:0 (0)` : `${host}:${String(port)} (0)`);
    expect(pair?.[1]).toMatchObject({ pid: String(server().pid), version: expect.stringMatching(/^\d+\.\d+/) });
  });
});

inEveryProtocol(({ connect, server }) => {
  it('getStats takes a group', async () => {
    const mc = connect();
    await mc.set(uniqueKey(), 'value');
    const [[, settings]] = (await mc.getStats('settings')) as [[string, Record<string, string>]];
    expect(settings).toMatchObject({ tcpport: String(server().port), item_size_max: '1048576' });
    const [[, items]] = (await mc.getStats('items')) as [[string, Record<string, string>]];
    expect(Object.keys(items).some((name) => /^items:\d+:number$/.test(name))).toBe(true);
    const [[, slabs]] = (await mc.getStats('slabs', { timeout: 1500 })) as [[string, Record<string, string>]];
    expect(slabs).toHaveProperty('active_slabs');
  });

  it('getStats rejects for an unknown group', async () => {
    const mc = connect();
    const error = await failure(mc.getStats('no_such_group'));
    expect(error).toMatchObject({ name: 'UnknownStatKey', operation: 'getStats', server: server().address });
    expect(await mc.getStats()).toHaveLength(1);
  });

  it('flushAll empties the server', async () => {
    const mc = connect();
    const keys = Array.from({ length: 50 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 1] as const));
    expect(await mc.flushAll()).toBe(true);
    expect((await mc.getMulti(keys)).size).toBe(0);
    await mc.set(keys[0] as string, 'after');
    expect(await mc.get(keys[0] as string)).toBe('after');
  });

  it('flushAll with a time empties it later', async () => {
    const mc = connect();
    const key = uniqueKey();
    await mc.set(key, 'value');
    expect(await mc.flushAll({ time: 1000, timeout: 1500 })).toBe(true);
    expect(await mc.get(key)).toBe('value');
    await mc.flushAll(); // takes the appointment back
    await mc.set(key, 'value');
    expect(await secondsLeft(server(), key)).toBe(-1);
  });

  it('flushAll with a Date in the past empties it now', async () => {
    const mc = connect();
    const key = uniqueKey();
    for (const time of [new Date(0), new Date(Date.now() - 3_600_000), new Date(Date.now() - 40 * 86_400_000)]) {
      await mc.set(key, 'value');
      expect(await mc.flushAll({ time })).toBe(true);
      expect(await mc.has(key)).toBe(false);
    }
  });

  it('disconnectAll closes the connections; the next operation connects', async () => {
    const mc = connect();
    await mc.disconnectAll();
    const keys = Array.from({ length: 30 }, () => uniqueKey());
    const before = await quietConnections(server());
    await Promise.all(keys.map((key) => mc.set(key, 1)));
    await haveConnections(server(), before + 1);
    await mc.disconnectAll();
    await haveConnections(server(), before);
    expect((await mc.getMulti(keys)).size).toBe(30);
    await haveConnections(server(), before + 1);
  });

  it('disconnectAll waits for what was called before', async () => {
    const mc = connect();
    const keys = Array.from({ length: 200 }, () => uniqueKey());
    const writing = Promise.all(keys.map((key) => mc.set(key, key)));
    await Promise.all([writing, mc.disconnectAll(), mc.disconnectAll({ timeout: 1000 })]);
    expect((await mc.getMulti(keys)).size).toBe(200);
  });
});

describe('several servers', () => {
  const connect = useClients();
  const servers = useServers(3);

  it('flushAll empties all', async () => {
    const mc = connect(servers());
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 1] as const));
    await mc.flushAll();
    const left = await Promise.all(servers().flatMap((server) => keys.map((key) => stored(server, key))));
    expect(left.filter((value) => value !== undefined)).toEqual([]);
  });

  it('getStats and version are in the order of the servers', async () => {
    const mc = connect(servers());
    const names = servers().map(({ host, port }, index) => `${host}:${port} (${index})`);
    expect((await mc.getStats()).map(([name]) => name)).toEqual(names);
    expect((await mc.getStats()).map(([, stats]) => stats.pid)).toEqual(servers().map(({ pid }) => String(pid)));
    expect([...(await mc.version()).keys()]).toEqual(servers().map(({ address }) => address));
  });

  it('one of which is gone: flushAll, getStats and version reject and name it; the others were flushed', async () => {
    const mc = connect(servers(), { behaviors: { retry_timeout: 0 } });
    const keys = Array.from({ length: 30 }, () => uniqueKey());
    await mc.setMulti(keys.map((key) => [key, 1] as const));
    const dead = servers()[0];
    const alive = servers().slice(1);
    await dead?.kill();
    try {
      expect(await failure(mc.flushAll())).toMatchObject({ server: dead?.address, operation: 'flushAll' });
      expect(await failure(mc.getStats())).toMatchObject({ server: dead?.address, operation: 'getStats' });
      expect(await failure(mc.version())).toMatchObject({ server: dead?.address, operation: 'version' });
      const left = await Promise.all(alive.flatMap((server) => keys.map((key) => stored(server, key))));
      expect(left.filter((value) => value !== undefined)).toEqual([]);
    } finally {
      await dead?.restart();
    }
    expect((await mc.version()).size).toBe(3);
  });
});
