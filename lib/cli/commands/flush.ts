import { createInterface } from 'node:readline/promises';

import type { Command } from 'commander';

import { ExitCode, UsageError } from '../exit-codes';
import { run, type Session } from '../session';
import { expirySeconds } from '../settings';
import { queryEach, reportFailures } from './each-server';

interface FlushOptions {
  yes?: boolean;
  delay?: number;
}

export function addFlush(program: Command): void {
  program
    .command('flush')
    .description('empty all servers, after asking')
    .option('-y, --yes', 'do not ask; required where there is no terminal')
    .option('-d, --delay <seconds>', 'empty them after this many seconds', expirySeconds)
    .action((options: FlushOptions, command: Command) => run(command, (session) => flush(session, options)));
}

async function flush(session: Session, { yes, delay }: FlushOptions): Promise<ExitCode> {
  const { output, servers } = session;
  if (yes !== true && !(await isConfirmed(servers))) {
    output.note('cancelled');
    return ExitCode.No;
  }
  const answers = await queryEach(await session.connectEach(), ({ client }) => client.flushAll({ time: delay ?? 0 }));
  for (const { server, up } of answers) {
    if (!up) continue;
    if (output.json) output.record({ server, up, flushed: true });
    else if (output.isTerminal) output.line(`${server}: ${delay === undefined ? 'emptied' : 'will be emptied'}`);
  }
  return reportFailures(session, answers);
}

async function isConfirmed(servers: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError('flush: --yes is needed without a terminal');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((resolve) => {
      terminal.once('close', () => {
        resolve('');
      });
    });
    const question = `Delete everything on ${servers.join(', ')}? [y/N] `;
    const answer = await Promise.race([terminal.question(question), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
