import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { start, type REPLServer } from 'node:repl';

import type { Command } from 'commander';

import * as index from '../../index';
import { ExitCode } from '../exit-codes';
import { assertReadable } from '../input';
import { SequentialLineReader } from '../line-by-line';
import { run, type Session } from '../session';

// The module's own members are getters, behind which the prompt of Node 24 and later completes nothing.
const libmemcached = { ...index };

export function addRepl(program: Command): void {
  program
    .command('repl')
    .description('open a JavaScript prompt with a client as mc; await works, and Tab completes')
    .action((_options: unknown, command: Command) => run(command, prompt));
}

async function prompt(session: Session): Promise<ExitCode> {
  const { servers } = session;
  assertReadable();
  const mc = session.connect();
  // Other input is a script: no prompts between its results, and a status that says whether it failed.
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  if (isTerminal) {
    process.stdout.write(`libmemcached ${libmemcached.version}; mc is a client for ${servers.join(', ')}\n`);
    process.stdout.write(
      "Try: await mc.set('greeting', 'hello', 60). The package's exports are in `libmemcached`. Type .exit to quit.\n",
    );
  }
  const script = isTerminal ? undefined : new SequentialLineReader(process.stdin);
  const server = start({
    input: script?.lines ?? process.stdin,
    output: process.stdout,
    prompt: isTerminal ? 'mc> ' : '',
    terminal: isTerminal,
    useColors: isTerminal && process.stdout.hasColors(),
    ignoreUndefined: true,
  });
  const exit = once(server, 'exit');
  Object.assign(server.context, { mc, libmemcached });
  // .clear makes a new context.
  server.on('reset', (context: object) => Object.assign(context, { mc, libmemcached }));
  if (isTerminal) await keepHistory(server);
  script?.feed(server);
  await exit;
  // The prompt's own name for the last error.
  const error: unknown = server.context._error;
  return isTerminal || error === undefined ? ExitCode.Ok : ExitCode.Failure;
}

/** In ~/.libmemcached_history, or LIBMEMCACHED_HISTORY; nowhere if that is empty. Only its owner can read it. */
async function keepHistory(server: REPLServer): Promise<void> {
  const file = process.env.LIBMEMCACHED_HISTORY ?? join(homedir(), '.libmemcached_history');
  if (file === '') return;
  await new Promise<void>((resolve) => {
    // A history that cannot be kept is told by Node, and no reason not to start.
    server.setupHistory(file, () => {
      resolve();
    });
  });
}
