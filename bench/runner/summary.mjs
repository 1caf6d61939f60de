/**
 * From the runs of every round to the figures shown: medians of the rounds, and ratios made within each round.
 *
 * But each client's median where there is one operation in flight. Whether the kernel puts client and server on one
 * processor or on two (and has to wake a sleeping one each time) decides by a factor of two to four there, and it is decided
 * anew in every process. A ratio within one round, like the best round, would tell who was lucky.
 */
const comparesMedians = ({ inFlight }) => inFlight === 1;

/** Higher is better. */
const scores = {
  rate: (run, keys) => run.rate * keys,
  p99: (run) => 1 / run.p99,
  cpu: (run) => 1 / run.cpu,
};

const FIGURES = ['rate', 'p50', 'p99', 'cpu', 'rss', 'megabytes'];

/**
 * `participants` are clients and reference points; `rounds` is a list of Map(name → run), a run being what a worker
 * printed. One participant's summary: its figures, `ratio` to the best peer, `cpuRatio` to the thriftiest (lower is
 * better); or `lacks` or `problem`, a reason why there are none.
 */
export function summarize(workload, participants, rounds) {
  const keysOf = (participant) => participant.keys ?? workload.keys ?? 1;
  const scoresOf = (participant, score) =>
    rounds.map((round) => {
      const run = round.get(participant.name);
      return usable(run) ? score(run, keysOf(participant)) : NaN;
    });

  const peers = participants.filter(({ isPeer }) => isPeer);
  function ratio(participant, score) {
    const own = scoresOf(participant, score);
    const others = peers.map((peer) => scoresOf(peer, score));
    if (comparesMedians(workload)) return finite(median(own) / highest(others.map((values) => median(values) ?? NaN)));
    return median(own.map((value, round) => value / highest(others.map((values) => values[round]))));
  }

  return participants.map((participant) => {
    if (participant.lacks) return { participant, lacks: participant.lacks };
    const runs = rounds.map((round) => round.get(participant.name));
    const bad = runs.find((run) => !usable(run));
    if (bad) return { participant, problem: bad.wrong ? `disqualified: ${bad.wrong}` : `failed: ${bad.error}` };

    const summary = { participant };
    for (const field of FIGURES) summary[field] = median(runs.map((run) => run[field]));
    if (summary.rate !== null) summary.keysRate = summary.rate * keysOf(participant);
    if (scores[workload.compare]) {
      summary.ratio = ratio(participant, scores[workload.compare]);
      summary.cpuRatio = finite(1 / ratio(participant, scores.cpu));
    }
    return summary;
  });
}

const usable = (run) => run && !run.error && !run.wrong;
/** NaN of none: there is nothing to compare with. */
function highest(numbers) {
  const known = numbers.filter(Number.isFinite);
  return known.length > 0 ? Math.max(...known) : NaN;
}
const finite = (number) => (Number.isFinite(number) ? number : null);

function median(numbers) {
  const sorted = numbers.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
