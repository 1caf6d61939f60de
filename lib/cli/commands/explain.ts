import type { Command } from 'commander';

import type { Client, Explanation } from '../../index';
import { errorRecord, exitCodeOf, messageOf } from '../errors';
import { ExitCode, worstExitCode } from '../exit-codes';
import type { Output } from '../output';
import { printable } from '../printable';
import { run, type Session } from '../session';

interface Finding {
  key: string;
  explained: Explanation;
  /** Undefined if the server did not say. */
  found?: boolean;
  error?: unknown;
  /** Where the key goes once its server is known to be dead. */
  insteadOnServer?: string;
}

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('explain where keys go, and whether they exist (with --behavior as your program has it)')
    .argument('<keys...>')
    .action((keys: string[], _options: unknown, command: Command) => run(command, (session) => explain(session, keys)));
}

async function explain(session: Session, keys: readonly string[]): Promise<ExitCode> {
  const client = await session.connectToKnown();
  let status: ExitCode = ExitCode.Ok;
  // All of them before the first is asked for: that may show a server to be dead, and move the keys of others.
  const first = keys.map((key) => client.explain(key));
  for (const [index, key] of keys.entries()) {
    const finding = await look(client, key, first[index] as Explanation);
    if (finding.error !== undefined) status = worstExitCode(status, exitCodeOf(finding.error));
    if (session.output.json) session.output.record(recordOf(finding));
    else {
      if (index > 0) session.output.line('');
      show(session.output, finding);
    }
  }
  return status;
}

/** Asks for the key, because a client learns a server's state by talking to it. */
async function look(client: Client, key: string, explained: Explanation): Promise<Finding> {
  const finding: Finding = { key, explained };
  await ask(client, finding);
  // Its key goes elsewhere from the next operation on, so it is asked for there.
  if (finding.error !== undefined && isRedistributed(client, finding)) await ask(client, finding);
  const now = client.explain(key);
  if (now.server === explained.server) explained.serverState = now.serverState;
  else {
    explained.serverState = 'dead';
    finding.insteadOnServer = now.server;
  }
  return finding;
}

function isRedistributed(client: Client, { key, explained }: Finding): boolean {
  const now = client.explain(key);
  return now.serverState === 'dead' || now.server !== explained.server;
}

async function ask(client: Client, finding: Finding): Promise<void> {
  try {
    finding.found = await client.has(finding.key);
    delete finding.error;
  } catch (error) {
    finding.error = error;
  }
}

function recordOf({ key, explained, found, error, insteadOnServer }: Finding): Record<string, unknown> {
  const { wireKey, digest, hash, server, serverState } = explained;
  return {
    key,
    wireKey: wireKey.toString('latin1'),
    digest,
    hash,
    server,
    serverState,
    found: found ?? null,
    ...(insteadOnServer === undefined ? {} : { insteadOnServer }),
    ...(error === undefined ? {} : { error: errorRecord(error) }),
  };
}

function show(output: Output, { key, explained, found, error, insteadOnServer }: Finding): void {
  const { wireKey, digest, hash, server, serverState } = explained;
  const isUp = serverState === 'up';
  const lines: [string, string][] = [
    ['key', printable(key)],
    ['wire key', `${printable(JSON.stringify(wireKey.toString('latin1')))} (${wireKey.length} of 250 bytes)`],
    ['digest', `${digest} (0x${digest.toString(16).padStart(8, '0')})`],
    ['hash', String(hash)],
    ['server', server],
    ['server state', output.paint(isUp ? 'green' : 'red', serverState)],
    ['found', found === undefined ? `not known: ${messageOf(error)}` : found ? 'yes' : 'no'],
    ...(insteadOnServer === undefined ? [] : [['redirected to', insteadOnServer] as [string, string]]),
  ];
  for (const [name, value] of lines)
    output.line(output.isTerminal ? `${output.paint('bold', name.padEnd(15))}  ${value}` : `${name}\t${value}`);
}
