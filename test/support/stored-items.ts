// What a server holds, by its own account.

import { connectTo, type Endpoint } from './child-processes';

/** An item as the server holds it. */
export interface StoredItem {
  flags: number;
  data: Buffer;
}

/** Asks the server itself, in text, for an item. */
export async function storedItem(server: Endpoint, key: string): Promise<StoredItem | undefined> {
  const answer = await conversation(server, `get ${key}\r\n`, (soFar) => soFar.toString('latin1').endsWith('END\r\n'));
  const end = answer.indexOf('\r\n');
  const header = /^VALUE \S+ (\d+) (\d+)/.exec(answer.toString('latin1', 0, end));
  if (header === null) return undefined;
  return { flags: Number(header[1]), data: answer.subarray(end + 2, end + 2 + Number(header[2])) };
}

/** The keys that a server really holds, by its own account; ASCII keys only. */
export async function keysOn(server: Endpoint): Promise<string[]> {
  for (;;) {
    const answer = await conversation(server, 'lru_crawler metadump all\r\n', (soFar) =>
      /(^|\n)(END|BUSY.*|ERROR.*|CLIENT_ERROR.*)\r?\n$/.test(soFar.toString('latin1', Math.max(0, soFar.length - 100))),
    );
    const text = answer.toString('latin1');
    if (text.startsWith('BUSY')) {
      // Its own crawler is under way.
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    if (!text.endsWith('END\r\n')) throw new Error(`no list of keys: ${text.slice(0, 200)}`);
    return [...text.matchAll(/^key=(\S+) /gm)].map((match) => decodeURIComponent(match[1] as string));
  }
}

async function conversation(
  server: Endpoint,
  command: string,
  isComplete: (answer: Buffer) => boolean,
): Promise<Buffer> {
  const socket = connectTo(server);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      let answer = Buffer.alloc(0);
      socket.setTimeout(5000, () => {
        reject(new Error('no complete answer within 5 s'));
      });
      socket.on('error', reject);
      socket.on('close', () => {
        reject(new Error('the server hung up'));
      });
      socket.on('data', (chunk) => {
        answer = Buffer.concat([answer, chunk]);
        if (isComplete(answer)) resolve(answer);
      });
      socket.write(command);
    });
  } finally {
    socket.destroy();
  }
}
