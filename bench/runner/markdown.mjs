import { describe } from './select.mjs';
import { count, figure, NONE, short } from './format.mjs';

/** The whole report. `chart` is the file name of the chart beside it, if there is one. */
export function markdown({ machine, command, options, workloads, participants, summaries, verdicts, notes, chart }) {
  return [
    '# Benchmark results',
    '',
    `\`${command}\` on ${machine.date}.`,
    '',
    `- Machine: ${machine.machine}`,
    `- System: ${machine.system}`,
    `- Versions: ${machine.versions.join(', ')}`,
    `- ${options.rounds} round${options.rounds > 1 ? 's' : ''} of ${options.seconds} s each. Ratios are to the best of the other JavaScript clients in the same round; medians over the rounds (with one in flight: three times as many rounds, and the ratio of the medians). See [README](../README.md).`,
    ...notes.map((note) => `- ${note}`),
    '',
    ...(chart ? [`![Operations per second](${chart})`, ''] : []),
    ...ratioTables(workloads, summaries),
    ...goalSection(verdicts),
    ...overview(workloads, participants, summaries),
    ...details(workloads, summaries),
  ].join('\n');
}

/** The default client at a glance: a row for each operation, a column for each number in flight. */
function ratioTables(workloads, summaries) {
  const chosen = workloads.filter(
    ({ name, group, servers, inFlight }) => servers === 1 && name === `${group}-${inFlight}` && summaries.has(name),
  );
  const columns = [...new Set(chosen.map(({ inFlight }) => inFlight))].sort((one, other) => one - other);
  const own = ({ name }) => summaries.get(name).find(({ participant }) => participant.name === 'libmemcached');
  const rows = (field) =>
    [...new Set(chosen.map(({ group }) => group))].map((group) => [
      group,
      ...columns.map((column) => {
        const workload = chosen.find((each) => each.group === group && each.inFlight === column);
        return figure(workload && own(workload)?.[field]);
      }),
    ]);
  if (!chosen.some(own)) return [];
  const header = ['in flight', ...columns.map((column) => column.toLocaleString('en'))];
  const alignment = `l${'r'.repeat(columns.length)}`;
  return [
    '## Ratios of the default client',
    '',
    'Operations per second, to the best of the other JavaScript clients:',
    '',
    ...table(header, rows('ratio'), alignment),
    'CPU time per operation, to the thriftiest of them:',
    '',
    ...table(header, rows('cpuRatio'), alignment),
  ];
}

function goalSection(verdicts) {
  if (verdicts.length === 0) return [];
  const missed = verdicts.filter(({ met }) => !met).length;
  const rows = verdicts.map(({ workload, goal, wanted, got, met }) => [
    describe(workload) + (goal.client === 'libmemcached-binary' ? ' (binary)' : ''),
    measures[goal.measure](goal),
    `${goal.atLeast === undefined ? '≤' : '≥'} ${wanted}`,
    figure(got),
    met ? '✓ met' : got === null ? '✗ failed' : '✗ missed',
  ]);
  return [
    '## Goals',
    '',
    `${verdicts.length - missed} of ${verdicts.length} met.`,
    '',
    ...table(['workload', 'measure', 'goal', 'measured', ''], rows, 'llrrl'),
  ];
}

const measures = {
  ratio: ({ workload }) => (workload.startsWith('open') ? 'p99: best peer / ours' : 'ratio to the best peer'),
  cpu: () => 'CPU per operation: ours / thriftiest peer',
  against: () => 'operations per second: binary / text',
  reference: () => "keys per second: ours / the C program's",
  megabytes: ({ unit }) => unit,
};

function overview(workloads, participants, summaries) {
  const columns = participants.filter(({ isReference }) => !isReference);
  const shown = workloads.filter(({ name, kind }) => summaries.has(name) && (kind === 'closed' || kind === 'open'));
  if (shown.length === 0) return [];
  const ours = columns.filter(({ ours }) => ours);
  const find = (workload, name) => summaries.get(workload.name).find(({ participant }) => participant.name === name);
  const rows = shown.map((workload) => [
    workload.name,
    ...columns.map(({ name }) => cell(find(workload, name), workload)),
    ...ours.map(({ name }) => figure(find(workload, name)?.ratio)),
  ]);
  const header = ['', ...columns.map(({ title }) => title), ...ours.map(({ short }) => `ratio (${short})`)];
  return [
    '## Overview',
    '',
    'Operations per second, and the 99th percentile where the load is given. `*`: made of single operations, for want of one of its own.',
    '',
    ...table(header, rows, `l${'r'.repeat(header.length - 1)}`),
  ];
}

function cell(summary, { compare }) {
  if (!summary || summary.lacks) return NONE;
  if (summary.problem) return summary.problem.split(':')[0];
  const value = compare === 'p99' ? `${figure(summary.p99)} µs` : short(summary.rate);
  return value + (summary.participant.emulated ? ' *' : '');
}

function details(workloads, summaries) {
  const sections = workloads
    .filter(({ name }) => summaries.has(name))
    .flatMap((workload) => [
      `### ${workload.name}`,
      '',
      `${capital(describe(workload))}.`,
      '',
      ...detail(workload, summaries.get(workload.name)),
    ]);
  return ['## All figures', '', ...sections];
}

export function detail(workload, summary) {
  const multi = Boolean(workload.keys);
  const memory = workload.kind === 'memory' || workload.kind === 'flat';
  const notes = [];
  const rows = summary.map((one) => {
    const { participant, lacks, problem } = one;
    if (lacks || problem) notes.push(`${participant.title}: ${lacks ?? problem}.`);
    const title = participant.title + (participant.emulated ? ' *' : '');
    if (memory) return [title, figure(one.megabytes)];
    return [
      title,
      count(one.rate),
      ...(multi ? [short(one.keysRate)] : []),
      figure(one.p50),
      figure(one.p99),
      figure(one.cpu),
      figure(one.rss),
      figure(one.ratio),
    ];
  });
  const header = memory
    ? ['', workload.kind === 'memory' ? 'MB a client and server' : 'MB more']
    : ['', 'ops/s', ...(multi ? ['keys/s'] : []), 'p50 µs', 'p99 µs', 'CPU µs/op', 'RSS MB', 'ratio'];
  const lines = table(header, rows, `l${'r'.repeat(header.length - 1)}`);
  return notes.length ? [...lines, ...notes.map((note) => `- ${note}`), ''] : lines;
}

/** Columns are padded, so that the text itself is readable in a terminal. */
function table(header, rows, alignment) {
  const widths = header.map((title, at) => Math.max(3, title.length, ...rows.map((row) => row[at].length)));
  const line = (cells) => `| ${cells.map((cell, at) => pad(cell, widths[at], alignment[at])).join(' | ')} |`;
  const rule = widths.map((width, at) => (alignment[at] === 'r' ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line), ''];
}

const pad = (text, width, side) => (side === 'r' ? text.padStart(width) : text.padEnd(width));
const capital = (text) => text[0].toUpperCase() + text.slice(1);
