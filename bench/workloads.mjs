/**
 * What is measured, as data. A row with a list for `inFlight`, `values` or `servers` stands for one workload per item,
 * named after it (get-1, get-10, ...; get-10KB-string; get-servers-3).
 *
 *   kind       how it is measured: closed (default), open, memory or flat; see worker/
 *   operation  what one operation is; see worker/operations.mjs
 *   inFlight   operations in flight at any time (closed loop)
 *   keys       keys per operation (multi)
 *   size       bytes per value, 100 unless said; KB and MB are decimal, so that 1 MB fits memcached's item limit
 *   values     'string' unless said, or 'buffer'
 *   servers    1 unless said
 *   compare    what ratios are made of: 'rate' (default), 'p99', or 'none'
 *   tls        over TLS
 *   cpu        server and client run on this one processor
 *   onlyByName only with --workload
 *   quick      part of --quick; a list picks from inFlight
 *   chart      drawn in the chart of the results; a list picks from inFlight
 *   overview   drawn in README's chart; a list picks from inFlight
 *   clients    only these
 *   rounds     at most so many
 *   stretch    measured so many times as long
 */
const inFlight = [1, 10, 30, 100, 1000];

export const workloads = [
  { name: 'get', operation: 'get', inFlight, quick: true, chart: true, overview: [1, 10, 100, 1000] },
  { name: 'set', operation: 'set', inFlight, quick: [10, 100], chart: true, overview: [1, 10, 100, 1000] },
  { name: 'mix', operation: 'mix', inFlight, quick: [10, 100], chart: [10, 100] },
  { name: 'incr', operation: 'incr', inFlight, quick: [10, 100] },
  { name: 'touch', operation: 'touch', inFlight, quick: [10] },
  { name: 'add', operation: 'add', inFlight, quick: [10] },
  { name: 'delete', operation: 'delete', inFlight, quick: [10, 100], chart: [10, 100] },

  // With one in flight nothing runs at the same time as anything else, and where the scheduler puts the two ends decides
  // by a factor of four (summary.mjs). On one processor it has no choice; not a goal, but steady enough to work with.
  { name: 'get-1-pinned', operation: 'get', inFlight: 1, cpu: 0, onlyByName: true },
  { name: 'set-1-pinned', operation: 'set', inFlight: 1, cpu: 0, onlyByName: true },

  // npm run bench -- --workload '*-tls-*': results/tls.md.
  { name: 'get-tls', operation: 'get', inFlight: [1, 10, 100, 1000], tls: true, onlyByName: true },
  { name: 'set-tls', operation: 'set', inFlight: [1, 10, 100, 1000], tls: true, onlyByName: true },

  { name: 'getMulti', operation: 'getMulti', keys: 100, inFlight: 10, quick: true, chart: true },
  { name: 'setMulti', operation: 'setMulti', keys: 100, inFlight: 10, quick: true, chart: true },

  { name: 'get-10KB', operation: 'get', size: 10_000, values: ['string', 'buffer'], inFlight: 10, quick: true },
  { name: 'set-10KB', operation: 'set', size: 10_000, values: ['string', 'buffer'], inFlight: 10, quick: true },
  { name: 'get-100KB', operation: 'get', size: 100_000, values: ['string', 'buffer'], inFlight: 10 },
  { name: 'set-100KB', operation: 'set', size: 100_000, values: ['string', 'buffer'], inFlight: 10 },
  { name: 'get-1MB', operation: 'get', size: 1_000_000, values: ['string', 'buffer'], inFlight: 10 },
  { name: 'set-1MB', operation: 'set', size: 1_000_000, values: ['string', 'buffer'], inFlight: 10 },
  { name: 'getMulti-1000x10KB', operation: 'getMulti', keys: 1000, size: 10_000, inFlight: 1, rounds: 2 },

  { name: 'get-servers', operation: 'get', servers: [3, 10], inFlight: 100 },
  { name: 'getMulti-servers', operation: 'getMulti', keys: 100, servers: [3, 10], inFlight: 10 },

  // Poisson arrivals, so many a second; latency counts from the moment an operation should have started.
  { name: 'open-20k', kind: 'open', operation: 'get', rate: 20_000, compare: 'p99', stretch: 3 },

  // Memory of one more client with its connection.
  { name: 'memory', kind: 'memory', operation: 'get', instances: 50, compare: 'none', rounds: 1 },
  // Memory over many operations: what it holds after the first tenth and at the end.
  {
    name: 'flat',
    kind: 'flat',
    operation: 'mix',
    operations: 10_000_000,
    compare: 'none',
    inFlight: 1000,
    clients: ['libmemcached'],
    rounds: 1,
  },
];
