import type { Command } from 'commander';

import type { ExitCode } from '../exit-codes';
import type { Output } from '../output';
import { run, type Session } from '../session';
import { groupStats, headlines, readable, type Stats } from '../stat-groups';
import { printable } from '../printable';
import { alignedLines } from '../table';
import { queryEach, reportFailures } from './each-server';

interface ServerStats {
  readonly server: string;
  readonly stats: Stats;
}

export function addStats(program: Command): void {
  program
    .command('stats')
    .description("show every server's statistics")
    .argument('[group]', 'as memcached has it: settings, items, slabs, sizes, conns, …')
    .action((group: string | undefined, _options: unknown, command: Command) =>
      run(command, (session) => stats(session, group)),
    );
}

async function stats(session: Session, group: string | undefined): Promise<ExitCode> {
  const { output } = session;
  const answers = await queryEach(await session.connectEach(), async ({ client }) => {
    const [first] = await client.getStats(group);
    return first?.[1] ?? {};
  });
  const up = answers.flatMap((answer) => (answer.up ? [{ server: answer.server, stats: answer.value }] : []));
  if (output.json) for (const { server, stats: values } of up) output.record({ server, up: true, stats: values });
  else if (output.isTerminal) showToPeople(output, up, group);
  else showPlain(output, up);
  return reportFailures(session, answers);
}

/** server, name, value: for grep and awk. */
function showPlain(output: Output, servers: readonly ServerStats[]): void {
  for (const { server, stats: values } of servers) {
    output.table(
      [],
      Object.entries(values).map(([name, value]) => [server, name, value]),
    );
  }
}

function showToPeople(output: Output, servers: readonly ServerStats[], group: string | undefined): void {
  const names = [...new Set(servers.flatMap(({ stats: values }) => Object.keys(values)))];
  const nameWidth = Math.max(0, ...names.map((name) => name.length));
  const isGeneral = group === undefined;
  const sections = isGeneral ? groupStats(names) : [{ title: group, names }];
  for (const part of besideEachOther(output, servers, nameWidth)) {
    for (const [index, section] of sections.entries()) {
      const rows = section.names.map((name) => [
        name,
        ...part.map(({ stats: values }) => (isGeneral ? readable(name, values[name] ?? '-') : (values[name] ?? '-'))),
      ]);
      if (isGeneral && index === 0) rows.unshift(...headlineRows(part));
      const columns = [
        { title: printable(section.title).padEnd(nameWidth) },
        ...part.map(({ server }) => ({ title: server, align: 'right' as const })),
      ];
      for (const line of alignedLines(columns, rows, (header) => output.paint('bold', header))) output.line(line);
      output.line('');
    }
  }
}

function headlineRows(servers: readonly ServerStats[]): string[][] {
  const each = servers.map(({ stats: values }) => headlines(values));
  return (each[0] ?? []).map(([name], index) => [name, ...each.map((lines) => lines[index]?.[1] ?? '-')]);
}

/** As many servers as the terminal is wide enough for, again and again. */
function besideEachOther(output: Output, servers: readonly ServerStats[], nameWidth: number): ServerStats[][] {
  const valueWidth = Math.max(16, ...servers.map(({ server }) => server.length)) + 2;
  const fitting = Math.max(1, Math.floor((output.width - nameWidth) / valueWidth));
  const parts: ServerStats[][] = [];
  for (let start = 0; start < servers.length; start += fitting) parts.push(servers.slice(start, start + fitting));
  return parts;
}
