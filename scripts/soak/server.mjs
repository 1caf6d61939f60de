// A throw-away memcached for the demonstration and the soaks: on a free port, and gone when this process is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Has the kernel end the server even if we are killed ourselves. */
const SETPRIV = '/usr/bin/setpriv';
const dieWithUs = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : [];

const running = new Set();
process.on('exit', () => running.forEach((server) => server.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/** Starts memcached with `options` and more environment; resolves when it accepts connections. */
export async function startMemcached(options = [], env = {}) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const { server, gone } = launch(port, options, env);
    const stop = () => {
      server.kill('SIGKILL'); // it has nothing to save, and takes up to a second to obey SIGTERM
      return gone;
    };
    if (await Promise.race([accepts(server, port), gone.then(() => false)])) {
      return { address: `127.0.0.1:${port}`, pid: server.pid, stop };
    }
    await stop(); // somebody else took the port in between
  }
  throw new Error('memcached did not start');
}

/** Starts memcached at `port`; `gone` resolves when it has ended. */
export function launch(port, options, env = {}) {
  const root = process.getuid() === 0 ? ['-u', 'root'] : []; // it refuses to run as root unless told to
  const command = [...dieWithUs, 'memcached', '-l', '127.0.0.1', '-p', String(port), '-U', '0', ...root, ...options];
  const server = spawn(command[0], command.slice(1), { stdio: 'ignore', env: { ...process.env, ...env } });
  running.add(server);
  const gone = new Promise((resolve, reject) => {
    server.once('exit', resolve);
    server.once('error', reject);
  }).finally(() => running.delete(server));
  return { server, gone };
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** True when it accepts connections; false if it ended instead. */
export async function accepts(server, port) {
  for (let attempt = 0; attempt < 500 && running.has(server); attempt++) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) {
      await sleep(5); // one that found its port taken ends about now: then it was somebody else who accepted
      return running.has(server);
    }
    await sleep(10);
  }
  return false;
}
