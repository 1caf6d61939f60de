import { Option, type Command } from 'commander';

import { ExitCode, UsageError } from '../exit-codes';
import { readInput } from '../input';
import { printable } from '../printable';
import { run, type Session } from '../session';
import { count, expirySeconds } from '../settings';
import { parseValue, valueTypes, type ValueType } from '../values';

interface SetOptions {
  type?: ValueType;
  expire?: number;
  compress?: number;
  add?: boolean;
  replace?: boolean;
}

export function addSet(program: Command): void {
  program
    .command('set')
    .description('store a value; exit status 1 if --add or --replace did not')
    .argument('<key>')
    .argument('[value]', 'read from standard input if it is not given')
    .addOption(
      new Option(
        '-T, --type <type>',
        'what the value is to those who read it (default: string; bytes if from standard input)',
      ).choices(valueTypes),
    )
    .option('-e, --expire <seconds>', 'until it expires (default: never)', expirySeconds)
    .option('-c, --compress <bytes>', 'compress values of at least this many bytes', count)
    .addOption(new Option('-a, --add', 'only if the key does not exist').conflicts('replace'))
    .option('-r, --replace', 'only if the key exists')
    .action((key: string, value: string | undefined, options: SetOptions, command: Command) =>
      run(command, (session) => set(session, key, value, options)),
    );
}

async function set(session: Session, key: string, text: string | undefined, options: SetOptions): Promise<ExitCode> {
  if (text === undefined && process.stdin.isTTY) throw new UsageError('set: no value, and nothing on standard input');
  const { type = text === undefined ? 'bytes' : 'string' } = options;
  const value = parseValue(text === undefined ? await readInput() : Buffer.from(text), type);
  const details = { time: options.expire ?? 0, minCompressLen: options.compress ?? 0 };
  const client = session.connect();
  const stored =
    options.add === true
      ? await client.add(key, value, details)
      : options.replace === true
        ? await client.replace(key, value, details)
        : await client.set(key, value, details);
  if (session.output.json) session.output.record({ key, stored });
  else if (!stored) session.output.note(`${printable(key)}: not stored`);
  else if (session.output.isTerminal) session.output.line('stored');
  return stored ? ExitCode.Ok : ExitCode.No;
}
