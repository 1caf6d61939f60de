/** The command line as commander knows it. */

import { Command } from 'commander';

import { version } from '../index';
import { addBench } from './commands/bench';
import { addIncrAndDecr } from './commands/count';
import { addDelete } from './commands/delete';
import { addExplain } from './commands/explain';
import { addFlush } from './commands/flush';
import { addGet } from './commands/get';
import { addPing } from './commands/ping';
import { addRepl } from './commands/repl';
import { addSet } from './commands/set';
import { addStats } from './commands/stats';
import { addTouch } from './commands/touch';
import { addWatch } from './commands/watch';
import { printableLines } from './printable';
import { addGlobalOptions } from './settings';

const notes = `
Exit status: 0 yes; 1 no (not found, not stored); 2 wrong arguments; 3 a server failed; 130 interrupted.
On a terminal results are laid out and coloured (NO_COLOR turns colours off); elsewhere they are plain lines, with tabs.
A key that begins with a dash goes after "--".`;

export function makeProgram(): Command {
  const program = new Command('libmemcached')
    .description('Inspect memcached servers, and read and write their data.')
    .version(version, '-V, --version')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(see --help)')
    // It quotes the arguments, which may be keys from anywhere.
    .configureOutput({
      outputError: (text, write) => {
        write(printableLines(text));
      },
    })
    .addHelpText('after', notes)
    .exitOverride();
  addGlobalOptions(program);
  for (const add of [
    ...[addGet, addSet, addDelete, addIncrAndDecr, addTouch],
    ...[addStats, addWatch, addPing, addExplain, addFlush, addBench, addRepl],
  ])
    add(program);
  // What a subcommand inherits is what was set when it was made; exitOverride is inherited, this is for all.
  for (const command of program.commands) command.showHelpAfterError('(see --help)');
  return program;
}
