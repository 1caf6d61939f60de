// pylibmc's tests/test_translate.py, and the doctests of translate_server_spec in its client.py.

import { Client } from '../../lib/index';
import { parseServer } from '../../lib/options/servers';

const TCP = 1;
const UDP = 2;
const UNIX = 4;

const parts = (spec: string) => {
  const { transport, host, port, weight } = parseServer(spec);
  return [transport, host, port, weight];
};

it.each<[string, number, string, number, number]>([
  ['111.122.133.144', TCP, '111.122.133.144', 11211, 1],
  ['111.122.133.144:5555', TCP, '111.122.133.144', 5555, 1],
  ['udp:199.299.399.499:5555', UDP, '199.299.399.499', 5555, 1],
  ['udp:[abcd:abcd::1]:5555', UDP, 'abcd:abcd::1', 5555, 1],
  ['111.122.133.144:5555:2', TCP, '111.122.133.144', 5555, 2],
  ['udp:[abcd:abcd::1]:5555:2', UDP, 'abcd:abcd::1', 5555, 2],
  // client.py
  ['127.0.0.1', TCP, '127.0.0.1', 11211, 1],
  ['udp:127.0.0.1', UDP, '127.0.0.1', 11211, 1],
  ['/var/run/memcached.sock', UNIX, '/var/run/memcached.sock', 0, 1],
  ['127.0.0.1:22122', TCP, '127.0.0.1', 22122, 1],
  ['127.0.0.1:1234:2', TCP, '127.0.0.1', 1234, 2],
  ['[::1]:22122', TCP, '::1', 22122, 1],
  ['[::1]', TCP, '::1', 11211, 1],
  ['[::1]:22122:3', TCP, '::1', 22122, 3],
])('%s', (spec, transport, host, port, weight) => {
  expect(parts(spec)).toEqual([transport, host, port, weight]);
});

it('what a client makes of them', async () => {
  const names = {
    '111.122.133.144': '111.122.133.144:11211',
    '111.122.133.144:5555:2': '111.122.133.144:5555',
    'udp:[abcd:abcd::1]:5555': '[abcd:abcd::1]:5555',
    '[::1]': '[::1]:11211',
    '/var/run/memcached.sock': '/var/run/memcached.sock',
  };
  for (const [spec, name] of Object.entries(names)) {
    const client = new Client(spec);
    expect(client.serverFor('key')).toBe(name);
    await client.close();
  }
});

it.each(['[::1', '[::1]x', '127.0.0.1:', '127.0.0.1:port', '127.0.0.1:1:2:3', '127.0.0.1:1:x', '::1', 'udp:', ''])(
  'malformed: %j',
  (spec) => {
    expect(() => new Client(spec)).toThrow(TypeError);
  },
);

it('transports are not mixed (_pylibmcmodule.c)', () => {
  expect(() => new Client(['127.0.0.1', 'udp:127.0.0.1'])).toThrow(/mix/);
  expect(() => new Client(['127.0.0.1', '/var/run/memcached.sock'])).toThrow(/mix/);
});
