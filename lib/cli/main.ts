#!/usr/bin/env node
/** The command `libmemcached`. */

import { CommanderError } from 'commander';

import { ExitCode } from './exit-codes';
import { printableLines } from './printable';
import type { makeProgram } from './program';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nobody reads any more, as in `libmemcached watch | head`: not an error.
  if (error.code === 'EPIPE') process.exit(ExitCode.Ok);
  fail(new Error(`the output cannot be written: ${error.message}`), ExitCode.Failure);
  process.exit();
});
// There is nowhere to say it.
process.stderr.on('error', () => process.exit(ExitCode.Failure));

function fail(error: unknown, status: ExitCode): void {
  // The message of an addon that cannot be loaded has several lines.
  process.stderr.write(`error: ${printableLines(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = status;
}

/** Undefined, and told, if the client cannot be loaded. Node's own status would be 1, which is "no" here. */
async function loadProgram(): Promise<{ makeProgram: typeof makeProgram } | undefined> {
  try {
    return await import('./program.js');
  } catch (error) {
    fail(error, ExitCode.Failure);
    return undefined;
  }
}

async function main(): Promise<void> {
  const program = await loadProgram();
  try {
    await program?.makeProgram().parseAsync();
  } catch (error) {
    // What a command itself does is reported by run(). commander has printed what there is to say; its status is 1 for
    // all mistakes, which is "no" here. Anything else comes from the parsing of an option.
    if (!(error instanceof CommanderError)) fail(error, ExitCode.Usage);
    else process.exitCode = error.exitCode === 0 ? ExitCode.Ok : ExitCode.Usage;
  }
}

void main();
