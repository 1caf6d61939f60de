// A memcached that can be stopped, continued, killed and started again at the same address.

import { accepts, freePort, launch } from '../soak/server.mjs';

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
    const { server, gone } = launch(this.port, ['-m', '256', '-t', '2']);
    this.#child = server;
    this.#gone = gone;
    return accepts(server, this.port);
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
}
