// Programs that end in the middle of everything: with thousands of operations in flight, by each way out that there is.

import { Client } from '../../../dist/index.mjs';

const [way, address, binary, count] = process.argv.slice(2);
const clients = Array.from(
  { length: Number(count) },
  () => new Client(address, { binary: binary === 'true', timeout: 10_000 }),
);
const [client] = clients;
const large = Buffer.alloc(20_000, 'x');

function load() {
  for (let index = 0; index < 3000; ++index) {
    const key = `deaths:${index}`;
    const value = index % 100 === 0 ? large : key;
    const own = clients[index % clients.length];
    for (const call of [own.set(key, value), own.get(key), own.delete(key)]) call.catch(() => undefined);
  }
}

const ways = {
  exit: () => process.exit(3),
  exitNextTurn: () => setImmediate(() => process.exit(3)),
  exitInAnswer: () => client.get('deaths').then(() => process.exit(3)),
  exitInExitHandler: () => {
    process.on('exit', () => {
      load();
      process.exitCode = 3;
    });
    process.exit(3);
  },
  exitWhileClosing: () => {
    for (const each of clients) void each.close();
    process.exit(3);
  },
  exitAfterDestroy: () => {
    for (const each of clients) each.destroy();
    process.exit(3);
  },
  exception: () => {
    throw new Error('uncaught on purpose');
  },
  exceptionInAnswer: () =>
    client.get('deaths').then(() => {
      process.nextTick(() => {
        throw new Error('uncaught on purpose');
      });
    }),
  rejection: () => void client.get('deaths').then(() => Promise.reject(new Error('unhandled on purpose'))),
  signal: () => process.kill(process.pid, 'SIGTERM'),
  abandoned: () => {
    // No way out: the load ends, and so does the program.
    process.exitCode = 3;
  },
};

load();
await new Promise((resolve) => setTimeout(resolve, 5));
load();
ways[way]();
