// What befalls the servers: each is stopped and continued, or killed and started again, at random.

import { setTimeout as sleep } from 'node:timers/promises';

export class Faults {
  counts = { stopped: 0, continued: 0, killed: 0, restarted: 0 };
  /** Called with a server's index whenever what it held is gone, or about to be. */
  onLoss;

  constructor(servers, random, onLoss) {
    this.servers = servers;
    this.random = random;
    this.onLoss = onLoss;
  }

  /** Until `isOver()`. All servers run afterwards. */
  async run(isOver) {
    await Promise.all(this.servers.map((server, index) => this.#trouble(server, index, isOver)));
  }

  async #trouble(server, index, isOver) {
    const { random, counts } = this;
    while (!isOver()) {
      await sleep(500 + random.below(4000));
      if (isOver()) return;
      // Short stops are only slow answers; long ones are outages by every deadline.
      const pause = random.chance(0.5) ? 20 + random.below(300) : 500 + random.below(3000);
      if (random.chance(0.6)) {
        server.stop();
        counts.stopped++;
        await sleep(pause);
        server.continue();
        counts.continued++;
      } else {
        this.onLoss(index);
        await server.kill();
        counts.killed++;
        await sleep(random.chance(0.5) ? 0 : pause);
        // Another program may have taken the port for a moment.
        while (!(await server.start())) await sleep(50);
        this.onLoss(index);
        counts.restarted++;
      }
    }
  }
}
