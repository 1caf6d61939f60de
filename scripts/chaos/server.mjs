// A memcached that can be stopped, continued, killed and started again at the same address.

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
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

export class Server {
  #child;
  #gone;

  constructor(port) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
  }

  static async start() {
    for (let attempt = 0; attempt < 5; attempt++) {
      const server = new Server(await freePort());
      if (await server.start()) return server;
    }
    throw new Error('memcached did not start');
  }

  /** True when it accepts connections; false if it ended instead. */
  async start() {
    const root = process.getuid() === 0 ? ['-u', 'root'] : []; // it refuses to run as root unless told to
    const options = ['-l', '127.0.0.1', '-p', String(this.port), '-U', '0', '-m', '256', '-t', '2', ...root];
    const [file, ...rest] = [...dieWithUs, 'memcached', ...options];
    const child = spawn(file, rest, { stdio: 'ignore' });
    this.#child = child;
    running.add(child);
    this.#gone = once(child, 'exit').then(() => running.delete(child));
    for (let attempt = 0; attempt < 500 && running.has(child); attempt++) {
      if (await this.#accepts()) {
        await sleep(5); // one that found its port taken ends about now: then it was somebody else who accepted
        return running.has(child);
      }
      await sleep(10);
    }
    return false;
  }

  stop() {
    this.#child.kill('SIGSTOP');
  }

  continue() {
    this.#child.kill('SIGCONT');
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  async #accepts() {
    const socket = connect(this.port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return connected;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
