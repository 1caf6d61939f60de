import { setTimeout as sleep } from 'node:timers/promises';

import type { Command } from 'commander';

import { errorRecord, messageOf } from '../errors';
import { ExitCode } from '../exit-codes';
import { byteSize, percentage, wholeNumber } from '../format';
import { interruption } from '../interruption';
import { LiveArea } from '../live-area';
import type { Output } from '../output';
import { sampleOf, type Reading, type Sample } from '../server-sample';
import { run, type ServerClient, type Session } from '../session';
import { count, positiveNumber } from '../settings';
import { alignedLines, tabbedLines, type Cell, type Column } from '../table';
import { queryEach, reportFailures, type ServerResult } from './each-server';

interface WatchOptions {
  interval: number;
  count?: number;
}

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('watch every server: hit rate, operations, memory, evictions; q or Ctrl-C ends it')
    .option('-i, --interval <seconds>', 'seconds between samples', positiveNumber, 1)
    .option('-n, --count <number>', 'stop after this many samples', count)
    .action((options: WatchOptions, command: Command) => run(command, (session) => watch(session, options)));
}

/** Milliseconds that a server has for its statistics, however short the interval is. */
const minTimeoutMs = 500;

/** A server's sample, or what is wrong with it. */
type Row = ServerResult<Sample>;

const columns: readonly Column[] = [
  { title: 'SERVER' },
  { title: 'HIT RATE', show: percentage },
  { title: 'OPS/S', show: wholeNumber },
  { title: 'GETS/S', show: wholeNumber },
  { title: 'SETS/S', show: wholeNumber },
  { title: 'MEMORY', show: byteSize },
  { title: 'USED', show: percentage },
  { title: 'ITEMS', show: wholeNumber },
  { title: 'EVICT/S', show: wholeNumber },
  { title: 'EVICTED', show: wholeNumber },
  { title: 'CONNS', show: wholeNumber },
];

async function watch(session: Session, options: WatchOptions): Promise<ExitCode> {
  const { output } = session;
  const clients = await session.connectEach();
  const readings = new Map<string, Reading>();
  const area = output.isTerminal ? new LiveArea(process.stdout) : undefined;
  const ending = interruption();
  const { signal } = ending;
  // A server that hangs must not hold up the others' lines.
  const timeout = Math.min(Math.max(options.interval * 1000, minTimeoutMs), session.timeout);
  let status: ExitCode = ExitCode.Ok;
  try {
    for (let look = 1; !signal.aborted; look++) {
      const start = performance.now();
      const rows = await read(clients, readings, timeout);
      // How it is at the end counts: a server that came back is well.
      status = rows.every(({ up }) => up) ? ExitCode.Ok : ExitCode.Failure;
      if (area !== undefined) area.draw(screen(output, rows));
      else if (output.json) for (const row of rows) output.record(recordOf(row));
      else printPlain(session, rows);
      if (look === options.count) return status;
      const rest = options.interval * 1000 - (performance.now() - start);
      await sleep(Math.max(0, rest), undefined, { signal }).catch(() => undefined);
    }
    return status;
  } finally {
    area?.end();
    ending.release();
  }
}

async function read(clients: readonly ServerClient[], readings: Map<string, Reading>, timeout: number): Promise<Row[]> {
  return queryEach(clients, async ({ server, client }) => {
    const before = readings.get(server);
    readings.delete(server);
    const [first] = await client.getStats(undefined, { timeout });
    const now = { at: performance.now(), stats: first?.[1] ?? {} };
    readings.set(server, now);
    return sampleOf(now, before);
  });
}

function screen(output: Output, rows: readonly Row[]): string[] {
  const time = new Date().toLocaleTimeString('en-GB');
  const down = rows.filter(({ up }) => !up).length;
  const servers = `${rows.length} server${rows.length === 1 ? '' : 's'}`;
  const state = down === 0 ? output.paint('green', 'all up') : output.paint('red', `${down} down`);
  const up = rows.flatMap((row) => (row.up ? [row.value] : []));
  const cells = rows.map((row) => cellsOf(row.server, row.up ? row.value : undefined));
  if (up.length > 1) cells.push(cellsOf('all', total(up)));
  const lines = alignedLines(columns, cells);
  const table = lines.map((line, index) => {
    const cut = line.slice(0, output.width);
    if (index === 0) return output.paint('bold', cut);
    return rows[index - 1]?.up === false ? output.paint('red', cut) : cut;
  });
  const troubles = rows.flatMap((row) => (row.up ? [] : [messageOf(row.error).slice(0, output.width)]));
  return [`${time}  ${servers}, ${state}  ${output.paint('dim', 'q ends')}`, '', ...table, '', ...troubles];
}

function cellsOf(server: string, sample: Sample | undefined): Cell[] {
  if (sample === undefined) return [server];
  const { bytes, limitBytes } = sample;
  return [
    server,
    sample.hitRate,
    sample.operations,
    sample.gets,
    sample.sets,
    bytes,
    bytes === null || limitBytes === null || limitBytes === 0 ? null : bytes / limitBytes,
    sample.items,
    sample.evicting,
    sample.evictions,
    sample.connections,
  ];
}

/** All servers as one; the hit rate weighs each by its gets. */
function total(samples: readonly Sample[]): Sample {
  const sum = (pick: (sample: Sample) => number | null): number | null =>
    samples.reduce<number | null>((all, sample) => {
      const value = pick(sample);
      return value === null ? all : (all ?? 0) + value;
    }, null);
  const asked = samples.filter(({ hitRate, gets }) => hitRate !== null && gets !== null && gets > 0);
  const gets = asked.reduce((all, sample) => all + (sample.gets as number), 0);
  const hits = asked.reduce((all, sample) => all + (sample.gets as number) * (sample.hitRate as number), 0);
  return {
    hitRate: gets === 0 ? null : hits / gets,
    operations: sum((sample) => sample.operations),
    gets: sum((sample) => sample.gets),
    sets: sum((sample) => sample.sets),
    evicting: sum((sample) => sample.evicting),
    bytes: sum((sample) => sample.bytes),
    limitBytes: sum((sample) => sample.limitBytes),
    items: sum((sample) => sample.items),
    evictions: sum((sample) => sample.evictions),
    connections: sum((sample) => sample.connections),
    uptime: null,
  };
}

function recordOf(row: Row): Record<string, unknown> {
  const time = new Date().toISOString();
  if (!row.up) return { time, server: row.server, up: false, error: errorRecord(row.error) };
  const { hitRate, operations, gets, sets, evicting, ...rest } = row.value;
  return {
    time,
    server: row.server,
    up: true,
    hitRate,
    operationsPerSecond: operations,
    getsPerSecond: gets,
    setsPerSecond: sets,
    evictionsPerSecond: evicting,
    ...rest,
  };
}

/** The time and the cells of the table, as plain numbers. */
function printPlain(session: Session, rows: readonly Row[]): void {
  const time = new Date().toISOString();
  const up = rows.flatMap((row) => (row.up ? [[time, ...cellsOf(row.server, row.value)]] : []));
  for (const line of tabbedLines(up)) session.output.line(line);
  reportFailures(session, rows);
}
