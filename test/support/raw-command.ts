// A client of a few lines for the text protocol, to see what a server really holds.

import { connectTo, type Endpoint } from './child-processes';

const LAST_LINE =
  /^(END|STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|OK|RESET|EN|HD.*|\d+|(VERSION|CLIENT_ERROR|SERVER_ERROR) .*|ERROR.*)$/;

/**
 * Sends one command (with its `\r\n`, and its data block where it has one) over a connection of its own.
 * @returns the answer as it came, its last line included; bytes are characters if encoding is 'latin1'
 */
export async function rawCommand(
  server: Endpoint,
  command: string | Uint8Array,
  encoding: BufferEncoding = 'utf8',
): Promise<string> {
  const socket = connectTo(server);
  let answer = Buffer.alloc(0);
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => {
        reject(new Error(`${why}; answered so far: ${JSON.stringify(answer.toString(encoding))}`));
      };
      socket.setTimeout(5000, () => {
        fail('no complete answer within 5 s');
      });
      socket.on('error', reject);
      socket.on('close', () => {
        fail('the server hung up');
      });
      socket.on('data', (chunk) => {
        answer = Buffer.concat([answer, chunk]);
        if (isComplete(answer)) resolve(answer.toString(encoding));
      });
      socket.write(command);
    });
  } finally {
    socket.destroy();
  }
}

/** Whether the last line has come; data blocks are skipped by their length, so they may contain `END\r\n`. */
function isComplete(answer: Buffer): boolean {
  let start = 0;
  for (;;) {
    const end = answer.indexOf('\r\n', start);
    if (end < 0) return false;
    const line = answer.toString('latin1', start, end);
    start = end + 2;
    const length = /^VALUE \S+ \d+ (\d+)/.exec(line)?.[1];
    if (length !== undefined) start += Number(length) + 2;
    else if (LAST_LINE.test(line)) return true;
  }
}
