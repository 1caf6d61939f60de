/**
 * The goals, as data: the ratio to the best of the four JavaScript peers in the same round, one server, 100-byte values
 * unless the workload says otherwise.
 *
 *   measure    ratio: to the best peer, as the workload compares (higher is better; 1 is equal)
 *              cpu: CPU time per operation against the peer that needs the least
 *              against: operations per second against another client of ours
 *              reference: keys per second against the best of the reference points whose name starts so
 *              or a field of the worker's own result
 *   atLeast, atMost   a number, or one for each number in flight
 */
const ours = 'libmemcached';
const binary = 'libmemcached-binary';

const single = ['get', 'set', 'mix', 'incr', 'touch', 'add', 'delete'];
const large = ['get-10KB', 'set-10KB', 'get-100KB', 'set-100KB', 'get-1MB', 'set-1MB'];

const ratios = {
  get: { 1: 0.95, 10: 1.4, 30: 2.5, 100: 5, 1000: 8 },
  set: { 1: 0.95, 10: 1.2, 30: 2, 100: 3.5, 1000: 5 },
  mix: { 1: 0.95, 10: 1.3, 30: 2.5, 100: 4, 1000: 8 },
  incr: { 1: 0.95, 10: 1.1, 30: 1.8, 100: 2.5, 1000: 4 },
  touch: { 1: 0.95, 10: 1.1, 30: 1.8, 100: 2.5, 1000: 4 },
  add: { 1: 0.95, 10: 1.2, 30: 2, 100: 4.5, 1000: 6 },
  delete: { 1: 0.95, 10: 1.2, 30: 2, 100: 4.5, 1000: 6 },
  'get-tls': { 1: 0.95, 10: 1.3, 100: 3.5 },
  'set-tls': { 1: 0.95, 10: 1.1, 100: 1.4 },
  getMulti: 3,
  setMulti: 6,
  ...Object.fromEntries(large.map((workload) => [workload, 1])),
  'open-20k': 1, // the 99th percentile
};

export const goals = [
  ...Object.entries(ratios).map(([workload, atLeast]) => ({ workload, client: ours, measure: 'ratio', atLeast })),
  ...single.map((workload) => ({ workload, client: ours, measure: 'cpu', atMost: { 10: 0.75, 100: 0.25 } })),
  ...[...single, 'getMulti', 'setMulti', ...large].map((workload) => ({
    workload,
    client: binary,
    measure: 'against',
    against: ours,
    atLeast: 0.8,
  })),

  { workload: 'getMulti', client: ours, measure: 'reference', reference: 'c-mget', atLeast: 0.6 },
  { workload: 'memory', client: ours, measure: 'megabytes', unit: 'MB a client and server', atMost: 2 },
  // Flat is meant as: within what the garbage collector leaves lying about.
  { workload: 'flat', client: ours, measure: 'megabytes', unit: 'MB more after 10 million operations', atMost: 4 },
];
