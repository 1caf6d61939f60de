/** Errors, as exit statuses and as they are told. */

import { BadKeyProvided, MemcachedError, NotFound, UnknownStatKey } from '../index';
import { ExitCode, UsageError } from './exit-codes';
import { printable } from './printable';

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof NotFound) return ExitCode.No;
  const isUsage =
    error instanceof UsageError ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof BadKeyProvided ||
    error instanceof UnknownStatKey;
  return isUsage ? ExitCode.Usage : ExitCode.Failure;
}

/** An error's members for --json. */
export function errorRecord(error: unknown): Record<string, unknown> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof MemcachedError)) return { name, message };
  const { code, server, outcomeUnknown } = error;
  return { name, code, message, ...(server === undefined ? {} : { server }), outcomeUnknown };
}

/** On one line, for a terminal: it may quote a server. */
export function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
