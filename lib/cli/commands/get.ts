import type { Command } from 'commander';

import { ExitCode, UsageError, worstExitCode } from '../exit-codes';
import type { Output } from '../output';
import { printable } from '../printable';
import { run, type Session } from '../session';
import { inspectingCodec, jsonOf, textOf, valueOf, type StoredValue } from '../values';

interface GetOptions {
  raw?: boolean;
  structured?: boolean;
}

export function addGet(program: Command): void {
  program
    .command('get')
    .description('show values, each ended by a newline; exit status 1 if a key does not exist')
    .argument('<keys...>')
    .option('-r, --raw', "the value's bytes and nothing else, whatever its type (one key)")
    .option('-S, --structured', 'also read values of codecs.structured: only if you trust all who write them')
    .action((keys: string[], options: GetOptions, command: Command) =>
      run(command, (session) => get(session, keys, options)),
    );
}

async function get(session: Session, keys: readonly string[], options: GetOptions): Promise<ExitCode> {
  const { output } = session;
  const { raw, structured = false } = options;
  if (raw === true && (keys.length > 1 || output.json))
    throw new UsageError('--raw takes one key, and cannot be combined with --json');
  const client = session.connect({ codec: inspectingCodec });
  let status: ExitCode = ExitCode.Ok;
  for (const key of keys) {
    const stored = await client.get<StoredValue>(key);
    if (stored === undefined) {
      status = worstExitCode(status, ExitCode.No);
      if (output.json) output.record({ key, found: false });
      else output.note(`${printable(key)}: not found`);
    } else if (raw === true) output.bytes(stored.data);
    else show(output, key, { stored, value: valueOf(stored, structured) }, keys.length > 1);
  }
  return status;
}

function show(
  output: Output,
  key: string,
  { stored, value }: { stored: StoredValue; value: unknown },
  named: boolean,
): void {
  if (output.json) {
    output.record({ key, found: true, flags: stored.flags, ...jsonOf(value) });
    return;
  }
  if (named) output.line(output.paint('bold', `${printable(key)}:`));
  output.bytes(textOf(value, output.isTerminal));
  output.line('');
}
