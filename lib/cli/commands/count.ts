import type { Command } from 'commander';

import { NotFound } from '../../index';
import { ExitCode, UsageError } from '../exit-codes';
import { printable } from '../printable';
import { run, type Session } from '../session';
import { bigCount, expirySeconds } from '../settings';

interface CountOptions {
  initial?: bigint;
  expire?: number;
}

export function addIncrAndDecr(program: Command): void {
  for (const [name, verb] of [
    ['incr', 'add to a counter'],
    ['decr', 'subtract from a counter, down to 0'],
  ] as const) {
    program
      .command(name)
      .description(`${verb}, and show its new value; exit status 1 if it does not exist`)
      .argument('<key>')
      .argument('[delta]', 'a whole number of up to 64 bits', bigCount, 1n)
      .option('-i, --initial <value>', 'create it with this value if it does not exist', bigCount)
      .option('-e, --expire <seconds>', 'with --initial: until it expires (default: never)', expirySeconds)
      .action((key: string, delta: bigint, options: CountOptions, command: Command) =>
        run(command, (session) => count(session, name, key, delta, options)),
      );
  }
}

async function count(
  session: Session,
  name: 'incr' | 'decr',
  key: string,
  delta: bigint,
  { initial, expire }: CountOptions,
): Promise<ExitCode> {
  if (expire !== undefined && initial === undefined) throw new UsageError('--expire requires --initial');
  const { output } = session;
  try {
    const value = await session.connect()[name](key, delta, {
      bigint: true,
      ...(initial === undefined ? {} : { initial, time: expire ?? 0 }),
    });
    // Text, because most readers of JSON make a float of a number.
    if (output.json) output.record({ key, found: true, value: String(value) });
    else output.line(String(value));
    return ExitCode.Ok;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    if (output.json) output.record({ key, found: false });
    else output.note(`${printable(key)}: not found`);
    return ExitCode.No;
  }
}
