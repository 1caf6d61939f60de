// A memcached that can be stopped, continued, killed and started again at the same address.

import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../soak/server.mjs';

/** Emits `up <port>` with a pid or 0, and `gone <pid>`. */
class Keeper extends EventEmitter {
  #process = fork(fileURLToPath(new URL('keeper.mjs', import.meta.url)), { stdio: 'inherit' });

  constructor() {
    super();
    this.#process.on('message', ({ port, pid, gone }) => {
      if (gone === undefined) this.emit(`up ${port}`, pid);
      else this.emit(`gone ${gone}`);
    });
  }

  end() {
    this.#process.disconnect();
  }

  async start(port, options) {
    const up = once(this, `up ${port}`);
    this.#process.send({ start: port, options });
    const [pid] = await up;
    return pid;
  }
}

const keeper = new Keeper();

/** No more servers will be started; those that still run are killed by whoever has them. */
export const endKeeper = () => keeper.end();

export class Server {
  #pid = 0;

  constructor(port, options) {
    this.port = port;
    this.options = options;
    this.address = `127.0.0.1:${port}`;
  }

  /** `options`: of memcached's command line. */
  static async start(options) {
    for (let attempt = 0; attempt < 5; attempt++) {
      const server = new Server(await freePort(), options);
      if (await server.start()) return server;
    }
    throw new Error('memcached did not start');
  }

  /** True when it accepts connections; false if it ended instead. */
  async start() {
    this.#pid = await keeper.start(this.port, this.options);
    return this.#pid !== 0;
  }

  stop() {
    process.kill(this.#pid, 'SIGSTOP');
  }

  continue() {
    process.kill(this.#pid, 'SIGCONT');
  }

  async kill() {
    const gone = once(keeper, `gone ${this.#pid}`);
    process.kill(this.#pid, 'SIGKILL');
    await gone;
  }
}
