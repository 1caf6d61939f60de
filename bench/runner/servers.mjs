import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsArguments } from './certificates.mjs';
import { onCpu } from './process.mjs';

/**
 * Servers of our own, fresh for every run: nobody inherits the keys or the grown tables of whoever ran before.
 *
 *   -t 1   one worker thread. A connection is always served by one thread, so most clients could not use more, and on a
 *          small machine further threads only take turns with the client's. None of the peers was faster with 4.
 *   -I 8m  values of 1 MB fit, even where a client makes them larger on the wire.
 *   hashpower=20: no growing hash table within a measurement.
 */
const OPTIONS = ['-U', '0', '-l', '127.0.0.1', '-t', '1', '-m', '1024', '-I', '8m', '-c', '1024', '-o', 'hashpower=20'];

const running = new Set();
// Not to be left behind, whatever ends this process.
process.on('exit', () => running.forEach((server) => server.kill('SIGKILL')));

export async function startServers(count, workload = {}) {
  const servers = await Promise.all(Array.from({ length: count }, () => start(workload)));
  return {
    addresses: servers.map(({ address }) => address),
    stop: () => Promise.all(servers.map(({ stop }) => stop())),
  };
}

async function start({ cpu, tls }) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const args = ['-p', String(port), '-u', userInfo().username, ...OPTIONS, ...(tls ? tlsArguments : [])];
    const child = spawn(...onCpu(cpu, 'memcached', args), { stdio: 'ignore' });
    running.add(child);
    const exited = once(child, 'exit').finally(() => running.delete(child));
    const stop = () => {
      child.kill('SIGKILL');
      return exited;
    };
    if (await answers(port, child)) return { address: `127.0.0.1:${port}`, stop };
    await stop(); // somebody else took the port in between
  }
  throw new Error('memcached did not start');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port, child) {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return child.exitCode === null;
    await sleep(10);
  }
  return false;
}
