import type { Command } from 'commander';

import { run } from '../session';
import { eachKey } from './each-key';

export function addDelete(program: Command): void {
  program
    .command('delete')
    .description('delete keys; exit status 1 if one does not exist')
    .argument('<keys...>')
    .action((keys: string[], _options: unknown, command: Command) =>
      run(command, (session) => {
        const client = session.connect();
        return eachKey(session, keys, 'deleted', (key) => client.delete(key));
      }),
    );
}
