// What is no value for a behavior is refused by each of its names, in each of the ways to set it, and changes nothing.

import type { Behaviors } from '../../lib/index';
import { thrown, useClients } from '../support/clients';

const connect = useClients();
const offline = (behaviors?: Partial<Behaviors>) => connect('127.0.0.1:1', behaviors && { behaviors });

const booleans = `no_block tcp_nodelay tcp_keepalive ketama ketama_weighted cas buffer_requests verify_keys auto_eject
  _hash_with_prefix_key _noreply _sort_hosts`.split(/\s+/);
const numbers = `connect_timeout send_timeout receive_timeout num_replicas retry_timeout remove_failed failure_limit
  dead_timeout _io_msg_watermark _io_bytes_watermark _io_key_prefetch _poll_timeout _socket_send_size
  _socket_recv_size tcp_keepidle tcp_keepintvl`.split(/\s+/);
const choices = ['hash', 'ketama_hash', 'distribution'];
const texts = ['namespace'];
const least: Record<string, number> = { connect_timeout: 1, failure_limit: 1, _poll_timeout: 1 };
const most = (name: string): number => (name.startsWith('tcp_keep') ? 32767 : 2 ** 31 - 1); // the first: Linux's

it('these are all there are', () => {
  expect(Object.keys(offline().behaviors).sort()).toEqual([...booleans, ...numbers, ...choices, ...texts].sort());
});

const wrong: [name: string, value: unknown, type: typeof TypeError, said: string][] = [
  ...booleans.flatMap((name) =>
    ['true', 2, null, {}].map((value): (typeof wrong)[number] => [name, value, TypeError, 'boolean']),
  ),
  ...numbers.flatMap((name): typeof wrong => [
    [name, '1', TypeError, 'number'],
    [name, null, TypeError, 'number'],
    [name, 5n, TypeError, 'number'],
    [name, (least[name] ?? 0) - 1, RangeError, String(least[name] ?? 0)],
    [name, 1.5, RangeError, 'whole'],
    [name, NaN, RangeError, 'whole'],
    [name, most(name) + 1, RangeError, String(most(name))],
  ]),
  ...choices.flatMap((name): typeof wrong => [
    [name, 1, TypeError, 'string'],
    [name, null, TypeError, 'string'],
    [name, 'no such', RangeError, name === 'distribution' ? 'modula' : 'murmur'],
  ]),
  ['namespace', 1, TypeError, 'string'],
  ['namespace', null, TypeError, 'string'],
  ['namespace', 'x'.repeat(128), RangeError, '127'],
  ['namespace', 'a b', RangeError, 'whitespace'],
];

it.each(wrong)('%s = %p', (name, value, type, said) => {
  const mc = offline();
  const before = mc.getBehaviors();
  const ways = [
    () => offline({ [name]: value }),
    () => {
      mc.setBehaviors({ retry_timeout: 9, [name]: value }); // not the other one either
    },
    () => {
      mc.behaviors = { [name]: value };
    },
    () => Object.assign(mc.behaviors, { [name]: value }),
  ];
  for (const way of ways) {
    const error = thrown(way);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain(name);
    expect(error.message).toContain(said);
  }
  expect(mc.getBehaviors()).toEqual(before);
});

it.each(numbers)('%s takes its least and its largest value', (name) => {
  for (const value of [least[name] ?? 0, most(name)]) {
    const mc = offline({ [name]: value });
    expect(mc.getBehaviors()).toMatchObject({ [name]: value });
  }
});
