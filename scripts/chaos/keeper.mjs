// Starts servers for the chaos soak, as a process of its own: to start a process keeps a thread until the new program runs,
// on a busy machine for a second, and the thread that is being measured must not be that one.
//
// { start: port, options } → { port, pid }, or { port, pid: 0 } if it ended at once; later { port, gone: pid }

import { accepts, launch } from '../soak/server.mjs';

process.on('disconnect', () => process.exit());

process.on('message', async ({ start: port, options }) => {
  const { server, gone } = launch(port, ['-m', '256', '-t', '2', ...options]);
  const { pid } = server;
  gone.then(() => process.connected && process.send({ port, gone: pid }));
  const isUp = await accepts(server, port);
  process.send({ port, pid: isUp ? pid : 0 });
});
