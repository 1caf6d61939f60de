import { parseArgs } from 'node:util';

export const help = `npm run bench -- [options]

  --quick            about three minutes: the most telling workloads, one round
  --workload NAME    only these (repeatable; * and ? match: 'get-*')
  --client NAME      only these clients and reference points (repeatable)
  --rounds N         rounds of each workload, medians are shown (default 3; quick 1)
  --seconds S        measured time of one client in one round (default 0.5)
  --json FILE        every single run, for other tools
  --list             names of workloads, clients and reference points
  --help
`;

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      workload: { type: 'string', multiple: true },
      client: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const seconds = positive('seconds', values.seconds) ?? 0.5;
  return {
    ...values,
    rounds: positive('rounds', values.rounds, Number.isInteger) ?? (values.quick ? 1 : 3),
    seconds,
    // Long enough for the hot functions to be compiled; V8 does it within some tens of thousands of operations.
    warmup: Math.max(0.2, seconds / 4),
  };
}

function positive(name, text, also = () => true) {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!(number > 0) || !also(number)) throw new UsageError(`--${name} ${text}: not a positive number`);
  return number;
}

/** A message for the user, not a stack trace. */
export class UsageError extends Error {}
