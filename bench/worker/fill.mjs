import { connect } from 'node:net';
import { once } from 'node:events';

/**
 * Puts the keys that a delete workload uses up, over a socket of its own: through the client under test it would take
 * longer than the measurement.
 */
export function fillForDelete(server, count) {
  const keys = Array.from({ length: count }, (_, index) => `bench:delete:${index}`);
  const sets = keys.map((key) => `set ${key} 0 0 1 noreply\r\nx\r\n`).join('');
  const [host, port] = server.split(':');
  let socket;

  async function run() {
    if (!socket) {
      socket = connect(Number(port), host);
      await once(socket, 'connect');
    }
    // The answer to `version` comes after all the sets that have none.
    socket.write(`${sets}version\r\n`);
    await once(socket, 'data');
  }

  return { keys, run };
}
