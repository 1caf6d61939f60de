// Clients that come and go meanwhile: closed, destroyed with operations in flight, or just dropped.

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../dist/index.mjs';
import { Finding, short } from './loop.mjs';

const IN_FLIGHT = 20;
/** A dropped client can be collected once the timer that watches its deadlines has run. */
export const timeout = 5000;

const kinds = {
  async closed(client) {
    await useIt(client);
    await client.close();
  },
  async closedInFlight(client) {
    const used = useIt(client);
    await Promise.all([client.close(), used]);
  },
  async destroyedInFlight(client) {
    const promises = calls(client);
    client.destroy();
    for (const { status, reason, value } of await Promise.allSettled(promises)) {
      if (status === 'rejected' && reason.name === 'ClientClosed') continue;
      throw new Finding(`after destroy(): ${status === 'rejected' ? reason : short(value)}, expected ClientClosed`);
    }
  },
  async cloned(client) {
    const copy = client.clone();
    await Promise.all([useIt(client), useIt(copy)]);
    await Promise.all([client.close(), copy[Symbol.asyncDispose]()]);
  },
  async dropped(client) {
    await useIt(client);
  },
  async droppedUnused() {},
};

function calls(client) {
  return Array.from({ length: IN_FLIGHT }, (_, index) => client.get(`visitor:${index}`));
}

async function useIt(client) {
  const key = `visitor:${process.pid}`;
  const results = await Promise.all([...calls(client), client.set(key, { visits: true })]);
  if (results.some((result, index) => result !== (index < IN_FLIGHT ? undefined : true)))
    throw new Finding(`a short-lived client read ${short(results)}`);
}

export class Visitors {
  count = 0;
  /** Dropped clients that have not been collected. */
  left = 0;
  #registry = new FinalizationRegistry(() => this.left--);

  constructor(addresses, onFinding) {
    this.addresses = addresses;
    this.onFinding = onFinding;
  }

  /** Until `isOver()`: a new one every 50 ms. */
  async run(isOver) {
    const names = Object.keys(kinds);
    while (!isOver()) {
      const name = names[this.count % names.length];
      try {
        await this.#visit(name);
      } catch (error) {
        this.onFinding(`visitor (${name})`, error);
      }
      await sleep(50);
    }
  }

  async #visit(name) {
    const binary = Math.floor(this.count / 6) % 2 === 0;
    this.count++;
    const client = new Client(this.addresses, { binary, timeout });
    if (name.startsWith('dropped')) {
      this.left++;
      this.#registry.register(client);
    }
    await kinds[name](client);
  }
}
