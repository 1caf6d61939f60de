import type { Command } from 'commander';

import { ExitCode, UsageError, worstExitCode } from '../exit-codes';
import type { Output } from '../output';
import { run, type Session } from '../session';
import { inspectingCodec, jsonOf, textOf, valueOf, type StoredValue } from '../values';

interface GetOptions {
  raw?: boolean;
}

export function addGet(program: Command): void {
  program
    .command('get')
    .description('show values, each ended by a newline; exit status 1 if a key is not there')
    .argument('<keys...>')
    .option('-r, --raw', "the value's bytes and nothing else, whatever its type (one key)")
    .action((keys: string[], options: GetOptions, command: Command) =>
      run(command, (session) => get(session, keys, options)),
    );
}

async function get(session: Session, keys: readonly string[], { raw }: GetOptions): Promise<ExitCode> {
  const { output } = session;
  if (raw === true && (keys.length > 1 || output.json)) throw new UsageError('--raw takes one key, and no --json');
  const client = session.connect({ codec: inspectingCodec });
  let status: ExitCode = ExitCode.Ok;
  for (const key of keys) {
    const stored = await client.get<StoredValue>(key);
    if (stored === undefined) {
      status = worstExitCode(status, ExitCode.No);
      if (output.json) output.record({ key, found: false });
      else output.note(`${key}: not found`);
    } else if (raw === true) output.bytes(stored.data);
    else show(output, key, stored, keys.length > 1);
  }
  return status;
}

function show(output: Output, key: string, stored: StoredValue, named: boolean): void {
  const value = valueOf(stored);
  if (output.json) {
    output.record({ key, found: true, flags: stored.flags, ...jsonOf(value) });
    return;
  }
  if (named) output.line(output.paint('bold', `${key}:`));
  output.bytes(textOf(value, output.isTerminal));
  output.line('');
}
