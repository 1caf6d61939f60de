import { Client, type ClientOptions } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { startSilentServer } from '../support/fake-servers';
import { failure, haveConnections, inEveryProtocol, quietConnections, sleep, thrown } from '../support/clients';
import '../support/wall-clock';

const closedError = { name: 'ClientClosed', code: 'ERR_MEMCACHED_CLIENT_CLOSED' };

inEveryProtocol(({ connect, server, protocol }) => {
  describe('clone', () => {
    it('has the same servers, options, behaviors and codec', async () => {
      const codec = { serialize: (value: unknown) => [`<${String(value)}>`, 7] as const, deserialize: String };
      const mc = connect({ codec, timeout: 1234, behaviors: { ketama: true, namespace: 'space:' } });
      mc.behaviors.retry_timeout = 7;
      mc.setBehaviors({ namespace: 'other:', num_replicas: 1 });
      const copy = mc.clone();
      const key = uniqueKey();
      await mc.set(key, 'value');
      expect(copy).toBeInstanceOf(Client);
      expect(copy).not.toBe(mc);
      expect(copy.servers).toEqual(mc.servers);
      expect(copy.getBehaviors()).toEqual(mc.getBehaviors());
      expect(copy.behaviors).toMatchObject({ ketama: true, namespace: 'other:', retry_timeout: 7, num_replicas: 1 });
      expect(await copy.get(key)).toBe('<value>');
      await copy.close();
    });

    it('has connections and a life of its own', async () => {
      const mc = connect();
      const key = uniqueKey();
      await mc.set(key, 1);
      const before = await quietConnections(server());
      const copy = mc.clone();
      await copy.get(key);
      await haveConnections(server(), before + 1);
      copy.behaviors.namespace = 'own:';
      expect(mc.behaviors.namespace).toBe('');
      await copy.close();
      expect(await mc.get(key)).toBe(1);
      expect(await failure(copy.get(key))).toMatchObject(closedError);
    });

    it('is of the same class', async () => {
      class Loud extends Client {
        override deserialize(data: Uint8Array, flags: number): unknown {
          return `${String(super.deserialize(data, flags))}!`;
        }
      }
      const options: ClientOptions = { binary: protocol };
      const mc = new Loud([server().address], options);
      const copy = mc.clone();
      const key = uniqueKey();
      await mc.set(key, 'loud');
      expect(copy).toBeInstanceOf(Loud);
      expect(await copy.get(key)).toBe('loud!');
      await Promise.all([mc.close(), copy.close()]);
    });
  });

  describe('close', () => {
    it('lets pending operations finish', async () => {
      const mc = connect();
      const keys = Array.from({ length: 500 }, () => uniqueKey());
      const writing = keys.map((key) => mc.set(key, key));
      const reading = keys.map((key) => mc.get(key));
      await mc.close();
      expect(await Promise.all(writing)).toEqual(keys.map(() => true));
      expect(await Promise.all(reading)).toEqual(keys);
    });

    it('is idempotent', async () => {
      const mc = connect();
      await mc.get(uniqueKey());
      await Promise.all([mc.close(), mc.close()]);
      await mc.close();
      mc.destroy();
    });

    it('needs no operation before it', async () => {
      await connect().close();
    });

    it('is what asyncDispose does', async () => {
      const mc = connect();
      await mc.set(uniqueKey(), 1);
      await mc[Symbol.asyncDispose]();
      expect(await failure(mc.get('key'))).toMatchObject(closedError);
    });

    it('gives the connections back', async () => {
      const before = await quietConnections(server());
      const mc = connect();
      await Promise.all(Array.from({ length: 20 }, () => mc.get(uniqueKey())));
      await haveConnections(server(), before + 1);
      await mc.close();
      await haveConnections(server(), before);
    });
  });

  describe.each(['close', 'destroy'] as const)('after %s', (method) => {
    it('every operation rejects with ClientClosed', async () => {
      const mc = connect();
      await mc.set('key', 1);
      await mc[method]();
      const calls: [string, () => Promise<unknown>][] = [
        ['get', () => mc.get('key')],
        ['gets', () => mc.gets('key')],
        ['get', () => mc.has('key')],
        ['get', () => mc.getMulti(['key'])],
        ['gets', () => mc.getsMulti(['key'])],
        ['set', () => mc.set('key', 1)],
        ['add', () => mc.add('key', 1)],
        ['replace', () => mc.replace('key', 1)],
        ['cas', () => mc.cas('key', 1, 1n)],
        ['append', () => mc.append('key', 'data')],
        ['prepend', () => mc.prepend('key', 'data')],
        ['set', () => mc.setMulti({ key: 1 })],
        ['add', () => mc.addMulti({ key: 1 })],
        ['delete', () => mc.delete('key')],
        ['delete', () => mc.deleteMulti(['key'])],
        ['touch', () => mc.touch('key', 1)],
        ['incr', () => mc.incr('key')],
        ['decr', () => mc.decr('key')],
        ['incr', () => mc.incrMulti(['key'])],
        ['decr', () => mc.decrMulti(['key'])],
        ['flushAll', () => mc.flushAll()],
        ['getStats', () => mc.getStats()],
        ['version', () => mc.version()],
        ['disconnectAll', () => mc.disconnectAll()],
      ];
      for (const [operation, call] of calls) {
        const error = await failure(call());
        expect(error).toMatchObject(closedError);
        expect(String(error.operation)).toContain(operation);
      }
    });

    it('an empty multi-get rejects as well', async () => {
      const mc = connect();
      await mc[method]();
      expect(await failure(mc.getMulti([]))).toMatchObject(closedError);
    });

    it('nothing that is synchronous crashes', async () => {
      const mc = connect();
      await mc[method]();
      const calls = [
        () => mc.behaviors.ketama,
        () => mc.getBehaviors(),
        () => (mc.behaviors.ketama = true),
        () => mc.hash('key'),
        () => mc.serverFor('key'),
        () => mc.serialize(1),
        () => {
          mc.clone().destroy();
        },
        () => {
          mc.destroy();
        },
      ];
      for (const call of calls) {
        try {
          call();
        } catch (error) {
          expect(error).toMatchObject(closedError);
        }
      }
    });
  });

  describe('destroy', () => {
    it('rejects what is pending, at once', async () => {
      const mc = connect();
      const pending = Array.from({ length: 200 }, (_, index) => failure(mc.set(uniqueKey(), index)));
      const reading = failure(mc.getMulti([uniqueKey(), uniqueKey()]));
      mc.destroy();
      mc.destroy();
      for (const error of await Promise.all([...pending, reading])) expect(error).toMatchObject(closedError);
    });

    it('ends an operation whose server is silent, and says whether it is known what became of it', async () => {
      const silent = await startSilentServer();
      const mc = new Client(silent.address, { binary: protocol, timeout: 10_000 });
      const write = failure(mc.set('key', 'value'));
      const read = failure(mc.get('other'));
      await sleep(100);
      const start = Date.now();
      mc.destroy();
      expect(await write).toMatchObject({ ...closedError, key: 'key', operation: 'set' });
      expect(await read).toMatchObject({ ...closedError, key: 'other', operation: 'get', outcomeUnknown: false });
      expect(Date.now() - start).toBeLessThan(400);
      // Only a greeting may be on its way.
      if (silent.received.includes('value')) expect(await write).toMatchObject({ outcomeUnknown: true });
      await silent.stop();
    });

    it('ends a close that waits', async () => {
      const silent = await startSilentServer();
      const mc = new Client(silent.address, { binary: protocol, timeout: 10_000 });
      const read = failure(mc.get('key'));
      await sleep(50);
      const closing = mc.close();
      mc.destroy();
      expect(await read).toMatchObject(closedError);
      await closing;
      await silent.stop();
    });
  });

  describe('what sends one operation after another', () => {
    it('is finished by close, without the loader', async () => {
      for (const invalidated of [false, true]) {
        const mc = connect();
        const other = connect();
        const name = uniqueKey('ns');
        const key = uniqueKey();
        if (invalidated) {
          await mc.namespace(name).set(key, 0);
          await other.namespace(name).invalidate();
        }
        const ends: (() => void)[] = [];
        const loading = mc.getOrSet(
          key,
          () =>
            new Promise((resolve) =>
              ends.push(() => {
                resolve('loaded');
              }),
            ),
          60,
        );
        const pending = Promise.all([
          mc.namespace(name).set(key, 1),
          mc.namespace(name).setMulti({ [`${key}m`]: 2 }),
          mc.namespace(name).incr(`${key}c`, 1).catch(String),
          mc.namespace(uniqueKey('fresh')).invalidate(),
          mc.getOrSet(uniqueKey(), () => 'at once', 60),
        ]);
        const closing = mc.close();
        for (const refused of [mc.namespace(name).get(key), mc.getOrSet(key, () => 1), mc.namespace(name).invalidate()])
          expect(await failure(refused)).toMatchObject({ name: 'ClientClosed' });
        expect((await pending).slice(0, 2)).toEqual([true, []]);
        await closing;
        for (const end of ends) end();
        expect(await loading).toBe('loaded');
        expect(await other.namespace(name).getMulti([key, `${key}m`])).toEqual(
          new Map([
            [key, 1],
            [`${key}m`, 2],
          ]),
        );
      }
    });

    it('setMulti rejects when the client is destroyed, as all others do', async () => {
      const silent = await startSilentServer();
      const mc = new Client(silent.address, { binary: protocol, timeout: 10_000 });
      const storing = [
        failure(mc.setMulti({ key: 1 })),
        failure(mc.addMulti({ key: 1 })),
        failure(mc.getMulti(['key'])),
      ];
      const asking = [failure(mc.getStats()), failure(mc.version()), failure(mc.disconnectAll())];
      await sleep(50);
      mc.destroy();
      for (const error of await Promise.all(storing)) expect(error).toMatchObject(closedError);
      for (const error of await Promise.all(asking))
        expect(error).toMatchObject({ ...closedError, outcomeUnknown: false });
      await silent.stop();
    });
  });

  it('a key that was bad before is bad after closing, or the client is closed: either is an error', async () => {
    const mc = connect();
    await mc.close();
    expect(['BadKeyProvided', 'ClientClosed']).toContain((await failure(mc.get(''))).name);
    expect(thrown(() => mc.serverFor('')).name).toBe('BadKeyProvided');
  });
});
