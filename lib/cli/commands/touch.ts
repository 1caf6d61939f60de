import type { Command } from 'commander';

import { run } from '../session';
import { expirySeconds } from '../settings';
import { eachKey } from './each-key';

export function addTouch(program: Command): void {
  program
    .command('touch')
    .description('set when keys expire; exit status 1 if one does not exist')
    .argument('<seconds>', 'from now; 0 is never', expirySeconds)
    .argument('<keys...>')
    .action((seconds: number, keys: string[], _options: unknown, command: Command) =>
      run(command, (session) => {
        const client = session.connect();
        return eachKey(session, keys, 'touched', (key) => client.touch(key, seconds));
      }),
    );
}
