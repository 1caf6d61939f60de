import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Reference points: what libmemcached itself reaches from C and from Python, one call at a time on one connection.
 * They stand beside the clients in the workloads named and take no part in ratios to the best peer.
 *
 * A command is given host, port and seconds, and prints JSON as worker.mjs does.
 */
export const references = [
  {
    name: 'c-mget-100',
    title: 'C: mget of 100 keys',
    workloads: ['getMulti'],
    keys: 100,
    command: [here('mget'), '100'],
  },
  {
    name: 'c-mget-256',
    title: 'C: mget of 256 keys',
    workloads: ['getMulti'],
    keys: 256,
    command: [here('mget'), '256'],
  },
  {
    name: 'pylibmc-get_multi',
    title: 'pylibmc: get_multi of 100 keys',
    workloads: ['getMulti'],
    keys: 100,
    command: ['/usr/bin/python3', here('pylibmc_bench.py'), '100'],
  },
  {
    name: 'pylibmc-get',
    title: 'pylibmc: get',
    workloads: ['get-1'],
    keys: 1,
    command: ['/usr/bin/python3', here('pylibmc_bench.py'), '1'],
  },
];
