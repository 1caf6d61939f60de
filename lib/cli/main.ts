#!/usr/bin/env node
/** The command `libmemcached`. */

import { CommanderError } from 'commander';

import { ExitCode, exitCodeOf } from './exit-codes';
import { messageOf } from './output';
import { makeProgram } from './program';

// Nobody reads any more, as in `libmemcached watch | head`: not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.Ok);
  throw error;
});

async function main(): Promise<void> {
  try {
    await makeProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed what there is to say. Its status is 1 for all mistakes, which is "no" here.
      process.exitCode = error.exitCode === 0 ? ExitCode.Ok : ExitCode.Usage;
      return;
    }
    // From the parsing of an option: what a command itself does is reported by run().
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

void main();
