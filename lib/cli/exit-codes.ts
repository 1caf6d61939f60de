/** What the command's exit status says; documented in docs/command-line.md. Loads nothing of the client. */

export const ExitCode = {
  Ok: 0,
  /** The servers answered, and the answer is no: a miss, not stored, not there. */
  No: 1,
  /** The command line cannot be right, whatever the servers say. */
  Usage: 2,
  /** A server could not be reached, did not answer, or refused; or a value cannot be read. */
  Failure: 3,
  /** Ctrl-C, as shells have it (128 + SIGINT). */
  Interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What was typed is wrong. */
export class UsageError extends Error {}

/** The worse of two, for commands with several keys or servers: a failure hides a miss. */
export function worstExitCode(one: ExitCode, other: ExitCode): ExitCode {
  return one > other ? one : other;
}
