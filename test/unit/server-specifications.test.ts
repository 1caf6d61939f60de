import { parseServer, parseServers, serverName, toNative, Transport } from '../../lib/options/servers';
import { Client } from '../../lib/index';

describe('one specification', () => {
  const { Tcp, Udp, Unix } = Transport;
  it.each<[string, number, string, number, number]>([
    ['localhost', Tcp, 'localhost', 11211, 1],
    ['127.0.0.1', Tcp, '127.0.0.1', 11211, 1],
    ['cache-1.example.org:11212', Tcp, 'cache-1.example.org', 11212, 1],
    ['localhost:11212:3', Tcp, 'localhost', 11212, 3],
    ['localhost:1:65535', Tcp, 'localhost', 1, 65535],
    ['localhost:65535', Tcp, 'localhost', 65535, 1],
    ['[::1]', Tcp, '::1', 11211, 1],
    ['[::1]:11212', Tcp, '::1', 11212, 1],
    ['[fe80::1%eth0]:11212:5', Tcp, 'fe80::1%eth0', 11212, 5],
    ['udp:localhost', Udp, 'localhost', 11211, 1],
    ['udp:localhost:11212:2', Udp, 'localhost', 11212, 2],
    ['udp:[::1]', Udp, '::1', 11211, 1],
    ['udp:[::1]:11212:2', Udp, '::1', 11212, 2],
    ['/run/memcached.sock', Unix, '/run/memcached.sock', 0, 1],
    ['/with blank:and colon', Unix, '/with blank:and colon', 0, 1],
    [`/${'p'.repeat(106)}`, Unix, `/${'p'.repeat(106)}`, 0, 1],
  ])('%s', (specification, transport, host, port, weight) => {
    expect(parseServer(specification)).toEqual({ transport, host, port, weight });
    expect(toNative(parseServer(specification))).toEqual({ transport, host, port, weight });
  });

  it.each<[string, RegExp]>([
    ['', /no host/],
    [':11211', /no host/],
    ['udp:', /no host/],
    ['[]', /no host/],
    ['[::1', /\[.*without/],
    ['[::1]11211', /only a port/],
    ['::1', /host|brackets/],
    ['fe80::1:11211', /brackets|port/],
    ['localhost:', /port is not a number/],
    ['localhost:port', /port is not a number/],
    ['localhost:-1', /port is not a number/],
    ['localhost:1.5', /port is not a number/],
    ['localhost: 1', /port is not a number/],
    ['localhost:0x10', /port is not a number/],
    ['localhost:11211:', /weight is not a number/],
    ['localhost:11211:heavy', /weight is not a number/],
    ['localhost:1:2:3', /brackets/],
    ['local host', /not a host name/],
    ['local\0host', /not a host name/],
    ['localhost/path', /not a host name/],
    ['a]b', /not a host name/],
    [`/${'p'.repeat(107)}`, /107 bytes/],
    [`/${'ü'.repeat(54)}`, /107 bytes/],
    ['/with\0zero', /zero byte/],
    ['udp:/run/memcached.sock', /not a host name/],
  ])('malformed: %j', (specification, message) => {
    let error: unknown;
    try {
      parseServer(specification);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(JSON.stringify(specification));
    expect(() => new Client(['localhost', specification])).toThrow(TypeError);
  });

  it.each([
    'localhost:0',
    'localhost:65536',
    'localhost:11211:0',
    'localhost:11211:65536',
    'localhost:99999999999999999999',
  ])('out of range: %s', (specification) => {
    expect(() => parseServer(specification)).toThrow(RangeError);
    expect(() => parseServer(specification)).toThrow(specification);
  });

  it.each([undefined, null, 5, {}, ['localhost']])('no string: %p', (specification) => {
    expect(() => parseServer(specification as never)).toThrow(TypeError);
  });
});

describe('a list', () => {
  it('may be one string', () => {
    expect(parseServers('localhost')).toEqual(parseServers(['localhost']));
    expect(new Client('localhost').servers).toEqual(['localhost']);
  });

  it.each([
    ['cache1,cache2', ['cache1', 'cache2']],
    ['cache1:1, cache2:2:3', ['cache1:1', 'cache2:2:3']],
    ['[::1]:5,127.0.0.1', ['[::1]:5', '127.0.0.1']],
    ['udp:cache1,udp:cache2:7', ['udp:cache1', 'udp:cache2:7']],
    ['/run/a.sock,/run/b.sock', ['/run/a.sock', '/run/b.sock']],
  ])('is split at commas: %j', (servers, list) => {
    expect(parseServers(servers)).toEqual(parseServers(list));
    const mc = new Client(servers);
    expect(mc.servers).toEqual(list);
    expect(mc.clone().servers).toEqual(list);
  });

  it.each(['cache1,', ',cache1', 'cache1,,cache2', ',', ' '])('has no empty members: %j', (servers) => {
    expect(() => new Client(servers)).toThrow(TypeError);
  });

  it('has no commas in its members', () => {
    expect(() => new Client(['cache1,cache2'])).toThrow(/not a host name/);
    // They are the path's own.
    expect(new Client(['/run/a,b.sock']).servers).toEqual(['/run/a,b.sock']);
  });

  it('must not be empty', () => {
    expect(() => parseServers([])).toThrow(/empty/);
    expect(() => parseServers('')).toThrow(TypeError);
  });

  it.each([undefined, null, 5, {}, new Set(['localhost'])])('must be one: %p', (servers) => {
    expect(() => parseServers(servers as never)).toThrow(TypeError);
  });

  it.each([
    [['localhost', '/run/memcached.sock']],
    [['localhost', 'udp:localhost']],
    [['udp:localhost', '/run/memcached.sock']],
    [['/run/a.sock', '[::1]']],
  ])('does not mix transports: %j', (servers) => {
    expect(() => parseServers(servers)).toThrow(/mix/);
    expect(() => new Client(servers)).toThrow(TypeError);
  });

  it('mixes IPv4, IPv6 and names, which are all TCP', () => {
    expect(parseServers(['localhost', '127.0.0.1', '[::1]'])).toHaveLength(3);
  });

  it('has at most 100 servers', () => {
    const servers = (count: number): string[] => Array.from({ length: count }, (_, index) => `10.0.0.${index}`);
    expect(parseServers(servers(100))).toHaveLength(100);
    expect(() => parseServers(servers(101))).toThrow(RangeError);
    expect(() => new Client(servers(101), { behaviors: { ketama: true } })).toThrow(/101/);
    new Client(servers(100), { behaviors: { ketama: true } }).destroy();
  });

  it('is copied', () => {
    const servers = ['localhost'];
    const mc = new Client(servers);
    servers[0] = 'changed';
    expect(mc.servers).toEqual(['localhost']);
    expect(Object.isFrozen(mc.servers)).toBe(true);
  });
});

it.each([
  ['localhost', 'localhost:11211'],
  ['127.0.0.1:5:9', '127.0.0.1:5'],
  ['[::1]', '[::1]:11211'],
  ['udp:localhost:7', 'localhost:7'],
  ['/run/memcached.sock', '/run/memcached.sock'],
])('the name of %s is %s', (specification, name) => {
  expect(serverName(parseServer(specification))).toBe(name);
});
