import type { Command } from 'commander';

import type { ExitCode } from '../exit-codes';
import { milliseconds } from '../format';
import { run, type Session } from '../session';
import { queryEach, reportFailures } from './each-server';

export function addPing(program: Command): void {
  program
    .command('ping')
    .description('ask every server for its version; exit status 3 if one does not answer')
    .action((_options: unknown, command: Command) => run(command, ping));
}

async function ping(session: Session): Promise<ExitCode> {
  const { output } = session;
  const answers = await queryEach(await session.connectEach(), async ({ client }) => {
    const start = performance.now();
    const [version = ''] = (await client.version()).values();
    return { version, time: performance.now() - start };
  });
  const up = answers.flatMap((answer) => (answer.up ? [{ server: answer.server, ...answer.value }] : []));
  if (output.json) {
    for (const { server, version, time } of up) output.record({ server, up: true, version, milliseconds: time });
  } else if (up.length > 0) {
    output.table(
      [{ title: 'SERVER' }, { title: 'VERSION' }, { title: 'TIME', show: milliseconds }],
      up.map(({ server, version, time }) => [server, version, time]),
    );
  }
  return reportFailures(session, answers);
}
