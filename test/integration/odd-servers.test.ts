// Servers that are there, but say something out of turn: what comes after it must be right.

import * as net from 'node:net';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached } from '../support/memcached-servers';
import { startReplayServer } from '../support/fake-servers';
import { until } from '../support/failover-clusters';
import { failure, protocols, sleep, useClients } from '../support/clients';

const connect = useClients();

describe('a server that has no room for more connections', () => {
  const room = 40;

  /** Connections until the server takes no more. */
  async function fill(port: number): Promise<net.Socket[]> {
    const sockets = Array.from({ length: room + 10 }, () => net.connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined).resume();
    await sleep(300);
    return sockets;
  }

  it.each(protocols)('is used once it has some (binary: %s)', async (binary) => {
    const server = await startMemcached({ args: ['-t', '1', '-c', String(room)] });
    const hogs = await fill(server.port);
    const mc = connect(server, { binary, timeout: 800, behaviors: { retry_timeout: 0 } });
    for (let round = 0; round < 5; ++round) await mc.get('key').catch(() => undefined);
    for (const hog of hogs) hog.destroy();
    const key = binary ? `${uniqueKey()} with blanks` : uniqueKey();
    await until(async () => (await mc.get(key).catch(() => 'not yet')) === undefined);
    expect(await mc.set(key, 1)).toBe(true);
    expect(await mc.incr(uniqueKey(), 1, { initial: 5 })).toBe(5);
    await server.stop();
  });

  it('answers multi-gets over the connection that there is', async () => {
    const server = await startMemcached({ args: ['-t', '1', '-c', String(room)] });
    const mc = connect(server, { timeout: 800 });
    await mc.set('a', 1);
    await mc.set('b', 2);
    const hogs = await fill(server.port);
    for (let round = 0; round < 10; ++round)
      expect(await mc.getMulti(['a', 'b'])).toEqual(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      );
    for (const hog of hogs) hog.destroy();
    await server.stop();
  });
});

it('a text server that knows few commands answers the value of an unknown one, too: nobody reads that', async () => {
  const counters = new Map<string, number>();
  let value = false;
  const answerTo = (line: string): string => {
    const [command, key = '', delta] = line.split(' ');
    if (value) {
      value = false;
      counters.set('stored', Number(line));
      return 'STORED\r\n';
    }
    if (command === 'version') return 'VERSION 1.2.3\r\n';
    if (command === 'set') value = true;
    if (command === 'set') return '';
    if (command !== 'incr') return 'ERROR\r\n';
    counters.set(key, (counters.get(key) ?? 0) + Number(delta));
    return `${String(counters.get(key))}\r\n`;
  };
  const server = await startReplayServer((socket, chunk) => {
    const lines = chunk.toString('latin1').split('\r\n').slice(0, -1);
    socket.write(lines.map(answerTo).join(''));
  });
  const mc = connect(server, { binary: false });
  for (let round = 1; round <= 3; ++round) {
    expect(await mc.incr('a', 1)).toBe(round);
    const refused = await failure(mc.append('unknown', 'payload'));
    expect(refused).toMatchObject({ name: 'ProtocolError', operation: 'append' });
    const counting = ['a0', 'b0', 'c0'].map((key, index) => mc.incr(key, index + 1));
    expect(await Promise.all(counting)).toEqual([round, 2 * round, 3 * round]);
    expect(await mc.set('stored', 7)).toBe(true);
  }
  await server.stop();
});
