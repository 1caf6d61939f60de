/** `npm run bench`: every client at every workload, several rounds, and a report. `npm run bench -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clients, loadAdapter } from './clients/index.mjs';
import { isEmulated } from './clients/adapter.mjs';
import { goals } from './goals.mjs';
import { references } from './reference/index.mjs';
import { chart } from './runner/chart.mjs';
import { short, figure } from './runner/format.mjs';
import { judge } from './runner/judge.mjs';
import { describeMachine } from './runner/machine.mjs';
import { markdown } from './runner/markdown.mjs';
import { help, readOptions, UsageError } from './runner/options.mjs';
import { measure, measureClient } from './runner/process.mjs';
import { expand, flagged, matcher } from './runner/select.mjs';
import { startServers } from './runner/servers.mjs';
import {
  buildReference,
  checkPylibmc,
  hasTaskset,
  installPeers,
  requireBuild,
  requireMemcached,
} from './runner/setup.mjs';
import { summarize } from './runner/summary.mjs';
import { workloads as rows } from './workloads.mjs';

const say = (text) => process.stderr.write(`${text}\n`);

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return process.stdout.write(help);
  const all = expand(rows);
  if (options.list) return list(all);

  const workloads = chooseWorkloads(all, options);
  const wanted = chooseClients(options);
  const memcachedVersion = requireMemcached();
  if (wanted.some(({ ours }) => ours)) requireBuild();
  installPeers(say);
  const { usable, notes } = prepareReferences(wanted);

  const { summaries, runs, failedOurselves } = await measureAll(workloads, usable, options);

  const machine = describeMachine(
    `server ${memcachedVersion}`,
    usable.filter(({ isReference }) => !isReference),
  );
  const verdicts = judge(goals, workloads, summaries);
  const report = {
    machine,
    command: commandLine(),
    options,
    workloads,
    participants: usable,
    summaries,
    verdicts,
    notes,
  };
  write(report, options);
  if (options.json) {
    writeFileSync(options.json, `${JSON.stringify({ machine, command: report.command, runs, verdicts }, null, 1)}\n`);
  }
  if (failedOurselves) process.exitCode = 1;
}

function list(workloads) {
  const names = (things) => things.map(({ name }) => `  ${name}`).join('\n');
  process.stdout.write(
    `workloads:\n${names(workloads)}\nclients:\n${names(clients)}\nreference points:\n${names(references)}\n`,
  );
}

function chooseWorkloads(all, options) {
  const matches = matcher(options.workload);
  const chosen = all.filter(
    (workload) =>
      matches(workload.name) &&
      (options.workload || (options.quick ? flagged(workload, 'quick') : !workload.onlyByName)) &&
      (workload.cpu === undefined || hasTaskset()),
  );
  if (chosen.length === 0) throw new UsageError(`no such workload: ${options.workload}; --list names them`);
  return chosen;
}

/** Clients and reference points alike: whoever takes part. */
function chooseClients(options) {
  const matches = matcher(options.client);
  const participants = [
    ...clients.map((client) => ({ ...client, isPeer: !client.ours })),
    ...references.map((reference) => ({ ...reference, isReference: true })),
  ].filter(({ name }) => matches(name));
  if (participants.length === 0) throw new UsageError(`no such client: ${options.client}; --list names them`);
  return participants;
}

/** Reference points that cannot run here are left out, and the report says so. */
function prepareReferences(wanted) {
  const missing = new Map();
  if (wanted.some(({ name }) => name.startsWith('c-'))) missing.set('c-', buildReference(say));
  if (wanted.some(({ name }) => name.startsWith('pylibmc'))) missing.set('pylibmc', checkPylibmc());
  const reasons = [...missing].filter(([, reason]) => reason);
  reasons.forEach(([, reason]) => say(`without a reference point: ${reason}`));
  return {
    usable: wanted.filter(({ name }) => !reasons.some(([prefix]) => name.startsWith(prefix))),
    notes: reasons.map(([, reason]) => `Without a reference point: ${reason}.`),
  };
}

async function measureAll(workloads, participants, options) {
  const plan = [];
  for (const workload of workloads) plan.push(await planWorkload(workload, participants, options));
  const total = plan.reduce((sum, { rounds, able }) => sum + rounds * able.length, 0);
  const state = { done: 0, total, started: performance.now() };
  const [summaries, runs] = [new Map(), []];
  let failedOurselves = false;

  for (const { workload, rounds, members, able } of plan) {
    const results = [];
    for (let round = 0; round < rounds; round++) {
      const result = new Map();
      // Round-robin, each round beginning with another client: what disturbs the machine disturbs all of them.
      for (let at = 0; at < able.length; at++) {
        const participant = able[(at + round) % able.length];
        const run = await measureOne(workload, participant, options);
        result.set(participant.name, run);
        runs.push({ workload: workload.name, round, participant: participant.name, ...run });
        failedOurselves ||= Boolean(participant.ours && (run.error || run.wrong));
        progress(state, workload, participant, round, rounds, run);
      }
      results.push(result);
    }
    if (members.length > 0) summaries.set(workload.name, summarize(workload, members, results));
  }
  return { summaries, runs, failedOurselves };
}

/** Who takes part in a workload (members), and who of them can (able). */
async function planWorkload(workload, participants, options) {
  const members = [];
  for (const participant of participants) {
    if (participant.isReference) {
      if (participant.workloads.includes(workload.name)) members.push(participant);
      continue;
    }
    if (workload.clients && !workload.clients.includes(participant.name)) continue;
    const adapter = await loadAdapter(participant.name);
    members.push({
      ...participant,
      lacks: workload.tls && !adapter.hasTls ? 'has no TLS' : adapter.lacks(workload),
      emulated: isEmulated(adapter, workload.operation),
    });
  }
  const able = members.filter(({ lacks }) => !lacks);
  // Luck decides with one in flight (summary.mjs): so many rounds that it does not decide the median.
  const rounds = workload.inFlight === 1 ? 3 * options.rounds : options.rounds;
  return { workload, members, able, rounds: Math.min(rounds, workload.rounds ?? Infinity) };
}

async function measureOne(workload, participant, options) {
  const { warmup } = options;
  const seconds = options.seconds * (workload.stretch ?? 1);
  const servers = await startServers(workload.servers, workload);
  try {
    if (participant.isReference) {
      const [program, ...args] = participant.command;
      return await measure(program, [...args, ...servers.addresses[0].split(':'), String(seconds)], workload.cpu);
    }
    return await measureClient({ client: participant.name, workload, servers: servers.addresses, seconds, warmup });
  } finally {
    await servers.stop();
  }
}

function progress(state, workload, participant, round, rounds, run) {
  state.done++;
  const elapsed = (performance.now() - state.started) / 1000;
  const left = Math.round((elapsed / state.done) * (state.total - state.done));
  const figures =
    run.error ?? run.wrong ?? (run.megabytes === undefined ? `${short(run.rate)}/s` : `${figure(run.megabytes)} MB`);
  const where = `[${state.done}/${state.total}, ${left} s left]`;
  say(`${where} ${workload.name}, round ${round + 1}/${rounds}, ${participant.title}: ${figures}`);
}

function write(report, options) {
  // A selection must not replace the results of the whole.
  const name = options.workload || options.client ? 'selection' : options.quick ? 'quick' : 'full';
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const draw = (flag, file) => {
    const workloads = report.workloads.filter((each) => flagged(each, flag) && report.summaries.has(each.name));
    if (workloads.length > 0) writeFileSync(file, chart({ ...report, workloads }));
    return workloads.length > 0;
  };
  const charted = draw('chart', `${folder}${name}.svg`);
  if (name === 'full') draw('overview', fileURLToPath(new URL('../docs/images/benchmark.svg', import.meta.url)));
  const text = markdown({ ...report, chart: charted ? `${name}.svg` : undefined });
  writeFileSync(`${folder}${name}.md`, text);
  process.stdout.write(text);
  say(`\nwritten to bench/results/${name}.md${charted ? ` and ${name}.svg` : ''}`);
}

function commandLine() {
  const args = process.argv.slice(2).map((arg) => (arg.includes('/') ? basename(arg) : arg));
  return ['npm run bench', ...(args.length ? ['--', ...args] : [])].join(' ');
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
  say(`bench: ${error.message}`);
  process.exitCode = 1;
}
