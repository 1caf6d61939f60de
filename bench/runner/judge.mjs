/** The goals (goals.mjs) against what was measured. */

/**
 * One verdict a goal and workload that ran with the goal's client: { workload, goal, wanted, got, met }. `got` is null, and
 * the goal missed, when the client failed; without anything to compare with there is no verdict.
 */
export function judge(goals, workloads, summaries) {
  return goals.flatMap((goal) => {
    const members = workloads.filter(
      ({ group, inFlight }) => group === goal.workload && limit(goal, inFlight) !== undefined,
    );
    return members.flatMap((workload) => {
      const summary = summaries.get(workload.name) ?? [];
      const own = summary.find(({ participant }) => participant.name === goal.client);
      const got = own ? measured(goal, own, summary) : null;
      if (got === null && !own?.problem) return [];
      const wanted = limit(goal, workload.inFlight);
      const met = got !== null && (goal.atLeast === undefined ? got <= wanted : got >= wanted);
      return [{ workload, goal, wanted, got, met }];
    });
  });
}

function limit({ atLeast, atMost }, inFlight) {
  const value = atLeast ?? atMost;
  return typeof value === 'object' ? value[inFlight] : value;
}

function measured(goal, own, summary) {
  if (goal.measure === 'cpu') return own.cpuRatio ?? null;
  if (goal.measure === 'against') {
    const other = summary.find(({ participant }) => participant.name === goal.against);
    return own.rate && other?.rate ? own.rate / other.rate : null;
  }
  if (goal.measure !== 'reference') return own[goal.measure] ?? null;
  const references = summary.filter(
    ({ participant, keysRate }) => participant.name.startsWith(goal.reference) && keysRate,
  );
  if (references.length === 0 || !own.keysRate) return null;
  return own.keysRate / Math.max(...references.map(({ keysRate }) => keysRate));
}
