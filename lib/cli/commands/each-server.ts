/** Commands that ask every server by itself, so that one that is down hides none of the others. */

import { errorRecord, exitCodeOf, messageOf } from '../errors';
import { ExitCode, worstExitCode } from '../exit-codes';
import type { ServerClient, Session } from '../session';

export type ServerResult<T> = { readonly server: string } & (
  { readonly up: true; readonly value: T } | { readonly up: false; readonly error: unknown }
);

export function queryEach<T>(
  clients: readonly ServerClient[],
  ask: (one: ServerClient) => Promise<T>,
): Promise<ServerResult<T>[]> {
  return Promise.all(
    clients.map(async (one): Promise<ServerResult<T>> => {
      try {
        return { server: one.server, up: true, value: await ask(one) };
      } catch (error) {
        return { server: one.server, up: false, error };
      }
    }),
  );
}

/** Tells about the servers that failed; the exit status for all. */
export function reportFailures({ output }: Session, answers: readonly ServerResult<unknown>[]): ExitCode {
  let status: ExitCode = ExitCode.Ok;
  for (const answer of answers) {
    if (answer.up) continue;
    status = worstExitCode(status, exitCodeOf(answer.error));
    if (output.json) output.record({ server: answer.server, up: false, error: errorRecord(answer.error) });
    else output.note(`${output.paint('red', answer.server)}: ${messageOf(answer.error)}`);
  }
  return status;
}
