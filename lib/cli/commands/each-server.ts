/** Commands that ask every server by itself, so that one that is down hides none of the others. */

import { errorRecord, exitCodeOf, messageOf } from '../errors';
import { ExitCode, worse } from '../exit-codes';
import type { ServerClient, Session } from '../session';

export type Answer<T> = { readonly server: string } & (
  { readonly up: true; readonly value: T } | { readonly up: false; readonly error: unknown }
);

export function askEach<T>(
  clients: readonly ServerClient[],
  ask: (one: ServerClient) => Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(
    clients.map(async (one): Promise<Answer<T>> => {
      try {
        return { server: one.server, up: true, value: await ask(one) };
      } catch (error) {
        return { server: one.server, up: false, error };
      }
    }),
  );
}

/** Tells about the servers that failed; the exit status for all. */
export function reportFailures({ output }: Session, answers: readonly Answer<unknown>[]): ExitCode {
  let status: ExitCode = ExitCode.Ok;
  for (const answer of answers) {
    if (answer.up) continue;
    status = worse(status, exitCodeOf(answer.error));
    if (output.json) output.record({ server: answer.server, up: false, error: errorRecord(answer.error) });
    else output.note(`${output.paint('red', answer.server)}: ${messageOf(answer.error)}`);
  }
  return status;
}
