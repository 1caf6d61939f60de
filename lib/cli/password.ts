/** Asks for a password without showing it. There is no option for it: other users can read a process's arguments. */

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import { UsageError } from './exit-codes';

export async function askPassword(username: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new UsageError('--username needs a password: set MEMCACHED_PASSWORD (it is asked for on a terminal only)');
  // readline echoes what is typed to its output, so that is nowhere.
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  // Not before the terminal has stopped echoing: somebody may type ahead.
  process.stderr.write(`Password for ${username}: `);
  try {
    return await new Promise<string>((resolve, reject) => {
      const refuse = (): void => {
        reject(new UsageError('no password was given'));
      };
      terminal.on('SIGINT', refuse);
      terminal.on('close', refuse);
      // At the end of the input it rejects (from Node 20 on).
      terminal.question('').then(resolve, refuse);
    });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
