/**
 * The goals, as data: the ratio to the best of the four JavaScript peers in the same round, one server, 100-byte values.
 *
 *   measure    ratio: to the best peer, as the workload compares (higher is better; 1 is equal)
 *              cpu: CPU time per operation against the peer that needs the least
 *              reference: keys per second against the best of the reference points whose name starts so
 *              or a field of the worker's own result
 *   atLeast, atMost   a number, or one for each number in flight
 */
const ours = 'libmemcached';
const text = 'libmemcached-text';

export const goals = [
  { workload: 'get', client: ours, measure: 'ratio', atLeast: { 1: 0.95, 10: 1.2, 100: 4, 1000: 6 } },
  { workload: 'set', client: ours, measure: 'ratio', atLeast: { 1: 0.95, 10: 1.2, 100: 3, 1000: 4 } },
  { workload: 'mix', client: ours, measure: 'ratio', atLeast: { 1: 0.95, 10: 1.1, 100: 2.5, 1000: 4 } },
  { workload: 'incr', client: ours, measure: 'ratio', atLeast: { 1: 0.9, 10: 1, 100: 1.2, 1000: 1.5 } },
  { workload: 'add', client: ours, measure: 'ratio', atLeast: { 1: 0.9, 10: 1, 100: 1.2, 1000: 1.5 } },
  { workload: 'touch', client: ours, measure: 'ratio', atLeast: { 1: 0.9, 10: 1, 100: 1.2, 1000: 1.5 } },
  { workload: 'delete', client: ours, measure: 'ratio', atLeast: { 1: 0.9, 10: 1, 100: 3, 1000: 4 } },

  { workload: 'getMulti', client: ours, measure: 'ratio', atLeast: 3 },
  { workload: 'getMulti', client: ours, measure: 'reference', reference: 'c-mget', atLeast: 0.6 },
  { workload: 'setMulti', client: ours, measure: 'ratio', atLeast: 5 },

  { workload: 'get', client: text, measure: 'ratio', atLeast: { 1: 0.95, 10: 1.2, 100: 4, 1000: 6 } },
  { workload: 'set', client: text, measure: 'ratio', atLeast: { 100: 1 } },

  { workload: 'get', client: ours, measure: 'cpu', atMost: { 100: 0.5 } },
  { workload: 'open-20k', client: ours, measure: 'ratio', atLeast: 1 },
  { workload: 'memory', client: ours, measure: 'megabytes', unit: 'MB a client and server', atMost: 2 },
  // Flat is meant as: within what the garbage collector leaves lying about.
  { workload: 'flat', client: ours, measure: 'megabytes', unit: 'MB more after 10 million operations', atMost: 4 },
];
