import type { Behaviors } from '../../lib/index';
import { uniqueKey } from '../support/unique-keys';
import { failure, inEveryProtocol, stored, thrown, useClients, useServers } from '../support/clients';

const names =
  `no_block tcp_nodelay tcp_keepalive tcp_keepidle tcp_keepintvl hash ketama_hash ketama ketama_weighted distribution cas buffer_requests
  verify_keys connect_timeout send_timeout receive_timeout num_replicas auto_eject retry_timeout remove_failed
  failure_limit dead_timeout namespace _io_msg_watermark _io_bytes_watermark _io_key_prefetch _hash_with_prefix_key
  _noreply _sort_hosts _poll_timeout _socket_send_size _socket_recv_size`.split(/\s+/) as (keyof Behaviors)[];

describe('reading and assigning', () => {
  const connect = useClients();
  const offline = (behaviors?: Partial<Behaviors>) => connect('127.0.0.1:1', behaviors && { behaviors });

  it('all of pylibmc are there, and the times of keepalive', () => {
    expect(Object.keys(offline().getBehaviors()).sort()).toEqual([...names].sort());
    expect(Object.keys(offline().behaviors).sort()).toEqual([...names].sort());
  });

  it('have the defaults', () => {
    expect(offline().getBehaviors()).toMatchObject({
      no_block: false,
      tcp_nodelay: true,
      tcp_keepalive: false,
      tcp_keepidle: 0,
      tcp_keepintvl: 0,
      hash: 'default',
      ketama_hash: 'default',
      ketama: false,
      ketama_weighted: false,
      distribution: 'modula',
      cas: false,
      connect_timeout: 4000,
      num_replicas: 0,
      auto_eject: false,
      retry_timeout: 2,
      remove_failed: 0,
      failure_limit: 5,
      dead_timeout: 0,
      namespace: '',
      _noreply: false,
      _poll_timeout: 5000,
    });
  });

  it.each<[keyof Behaviors, unknown]>([
    ['no_block', true],
    ['tcp_nodelay', false],
    ['tcp_keepalive', true],
    ['tcp_keepidle', 30],
    ['tcp_keepintvl', 5],
    ['hash', 'md5'],
    ['hash', 'murmur'],
    ['ketama_hash', 'crc'],
    ['ketama', true],
    ['ketama_weighted', true],
    ['distribution', 'consistent'],
    ['distribution', 'consistent ketama'],
    ['cas', true],
    ['buffer_requests', true],
    ['verify_keys', true],
    ['connect_timeout', 1234],
    ['send_timeout', 1_000_000],
    ['receive_timeout', 1_000_000],
    ['num_replicas', 2],
    ['auto_eject', true],
    ['retry_timeout', 0],
    ['remove_failed', 3],
    ['failure_limit', 7],
    ['dead_timeout', 9],
    ['namespace', 'space:'],
    ['_hash_with_prefix_key', true],
    ['_noreply', true],
    ['_sort_hosts', true],
    ['_poll_timeout', 777],
  ])('%s = %j, in each of the ways', (name, value) => {
    const byOption = offline({ [name]: value });
    expect(byOption.behaviors[name]).toBe(value);
    const byMember = offline();
    (byMember.behaviors as unknown as Record<string, unknown>)[name] = value;
    expect(byMember.getBehaviors()[name]).toBe(value);
    const byAssigning = offline();
    byAssigning.behaviors = { [name]: value };
    expect(byAssigning.behaviors[name]).toBe(value);
    const byMethod = offline();
    byMethod.setBehaviors({ [name]: value });
    expect(byMethod.behaviors[name]).toBe(value);
  });

  it('that are not named stay', () => {
    const mc = offline({ retry_timeout: 7, namespace: 'space:' });
    mc.behaviors = { failure_limit: 3 };
    expect(mc.behaviors).toMatchObject({ retry_timeout: 7, namespace: 'space:', failure_limit: 3 });
  });

  it('can be copied from one client to another', () => {
    const from = offline({ ketama: true, hash: 'md5', num_replicas: 1, namespace: 'n:' });
    const to = offline();
    to.behaviors = from.behaviors;
    expect(to.getBehaviors()).toEqual(from.getBehaviors());
    to.setBehaviors({ ...offline().behaviors });
    expect(to.getBehaviors()).toEqual(offline().getBehaviors());
  });

  it('getBehaviors is a copy, behaviors is live', () => {
    const mc = offline();
    const [copy, live] = [mc.getBehaviors(), mc.behaviors];
    mc.behaviors.retry_timeout = 9;
    expect([copy.retry_timeout, live.retry_timeout]).toEqual([2, 9]);
    copy.retry_timeout = 1;
    expect(mc.behaviors.retry_timeout).toBe(9);
  });

  it.each<[Record<string, unknown>, typeof TypeError, RegExp[]]>([
    [{ no_such: 1 }, TypeError, [/no_such/, /ketama/, /namespace/]],
    [{ toString: true }, TypeError, [/toString/]],
    [{ __proto__x: true }, TypeError, [/__proto__x/]],
    [{ ketama: 'yes' }, TypeError, [/ketama/, /boolean/, /string/]],
    [{ ketama: 2 }, TypeError, [/ketama/]],
    [{ ketama: null }, TypeError, [/ketama/, /null/]],
    [{ hash: 5 }, TypeError, [/hash/, /string/]],
    [{ hash: 'sha1' }, RangeError, [/hash/, /sha1/, /murmur/, /jenkins/]],
    [{ hash: 'hsieh' }, RangeError, [/hsieh/, /fnv1a_64/]],
    [{ hash: 'constructor' }, RangeError, [/constructor/]],
    [{ distribution: 'fair' }, RangeError, [/distribution/, /fair/, /modula/, /consistent ketama/]],
    [{ retry_timeout: '5' }, TypeError, [/retry_timeout/, /string/]],
    [{ retry_timeout: -1 }, RangeError, [/retry_timeout/, /-1/]],
    [{ retry_timeout: 1.5 }, RangeError, [/retry_timeout/, /1\.5/]],
    [{ retry_timeout: NaN }, RangeError, [/retry_timeout/]],
    [{ retry_timeout: 2 ** 31 }, RangeError, [/retry_timeout/, /2147483648/]],
    [{ connect_timeout: 0 }, RangeError, [/connect_timeout/]],
    [{ namespace: 5 }, TypeError, [/namespace/, /string/]],
    [{ namespace: 'n'.repeat(128) }, RangeError, [/namespace/, /127/]],
    [{ namespace: 'ü'.repeat(64) }, RangeError, [/namespace/, /127/]],
    [{ namespace: 'a b' }, RangeError, [/namespace/]],
    [{ namespace: 'a\r\nflush_all\r\n' }, RangeError, [/namespace/]],
  ])('%j is refused at once, and changes nothing', (behaviors, type, patterns) => {
    const mc = offline();
    const before = mc.getBehaviors();
    const both = { num_replicas: 1, ...behaviors };
    const ways = [
      () => offline(both),
      () => {
        mc.setBehaviors(both);
      },
      () => {
        mc.behaviors = both;
      },
      () => Object.assign(mc.behaviors, behaviors),
    ];
    for (const way of ways) {
      const error = thrown(way);
      expect(error).toBeInstanceOf(type);
      for (const pattern of patterns) expect(error.message).toMatch(pattern);
    }
    expect(mc.getBehaviors()).toEqual(before);
  });

  it.each([null, 5, 'ketama'])('behaviors that are no object are refused: %j', (behaviors) => {
    expect(thrown(() => connect('127.0.0.1:1', { behaviors: behaviors as never }))).toBeInstanceOf(TypeError);
    expect(
      thrown(() => {
        offline().setBehaviors(behaviors as never);
      }),
    ).toBeInstanceOf(TypeError);
  });
});

inEveryProtocol(({ connect, server }) => {
  it('the namespace goes before every key', async () => {
    const [plain, spaced] = [connect(), connect({ behaviors: { namespace: 'space:' } })];
    const key = uniqueKey();
    await spaced.set(key, 'value');
    expect(await plain.get(`space:${key}`)).toBe('value');
    expect(await plain.get(key)).toBeUndefined();
    expect(await spaced.get(key)).toBe('value');
    expect(await spaced.getMulti([key])).toEqual(new Map([[key, 'value']]));
    expect((await spaced.gets(key))[0]).toBe('value');
    expect(await spaced.add(`${key}-n`, 1)).toBe(true);
    expect(await spaced.incr(`${key}-n`)).toBe(2);
    expect(await stored(server(), `space:${key}-n`)).toEqual({ bytes: '2', flags: 4 });
    expect(await spaced.touch(key, 100)).toBe(true);
    expect(await spaced.delete(key)).toBe(true);
    expect(await plain.has(`space:${key}`)).toBe(false);
  });

  it('goes before keyPrefix', async () => {
    const mc = connect({ behaviors: { namespace: 'space:' } });
    const key = uniqueKey();
    await mc.setMulti({ [key]: 1 }, { keyPrefix: 'prefix:' });
    expect(await stored(server(), `space:prefix:${key}`)).toEqual({ bytes: '1', flags: 4 });
    expect([...(await mc.getMulti([key], { keyPrefix: 'prefix:' })).keys()]).toEqual([key]);
  });

  it('counts towards the 250 bytes of a key', async () => {
    const mc = connect({ behaviors: { namespace: 'n'.repeat(100) } });
    const longest = uniqueKey().padEnd(150, 'k');
    expect(await mc.set(longest, 1)).toBe(true);
    expect(await mc.get(longest)).toBe(1);
    for (const call of [
      () => mc.get(`${longest}k`),
      () => mc.set(`${longest}k`, 1),
      () => mc.getMulti([`${longest}k`]),
    ])
      expect((await failure(call())).name).toBe('BadKeyProvided');
    mc.behaviors.namespace = '';
    expect(await mc.set('k'.repeat(250), 1)).toBe(true);
    mc.behaviors.namespace = 'n';
    expect((await failure(mc.get('k'.repeat(250)))).name).toBe('BadKeyProvided');
  });

  it('apply to every later operation, never to one already called', async () => {
    const mc = connect();
    const key = uniqueKey();
    const spaces = ['', 'a:', 'b:', 'c:', ''];
    const writes = spaces.map((space, index) => {
      mc.behaviors.namespace = space;
      return mc.set(key, index);
    });
    await Promise.all(writes);
    const plain = connect();
    expect(await Promise.all(['', 'a:', 'b:', 'c:'].map((space) => plain.get(space + key)))).toEqual([4, 1, 2, 3]);
  });

  it('can change while thousands are in flight', async () => {
    const mc = connect();
    const keys = Array.from({ length: 2000 }, () => uniqueKey());
    const writes = keys.map((key, index) => {
      if (index % 100 === 0) mc.setBehaviors({ tcp_keepalive: index % 200 === 0, namespace: `${index % 300}:` });
      return mc.set(key, index);
    });
    expect(await Promise.all(writes)).toEqual(keys.map(() => true));
    const plain = connect();
    const wireKeys = keys.map((key, index) => `${(index - (index % 100)) % 300}:${key}`);
    expect([...(await plain.getMulti(wireKeys)).values()]).toEqual(keys.map((_key, index) => index));
  });

  it.each<Partial<Behaviors>>([
    { no_block: true },
    { tcp_nodelay: false },
    { tcp_keepalive: true },
    { cas: true },
    { buffer_requests: true },
    { verify_keys: true },
    { _socket_send_size: 100_000, _socket_recv_size: 100_000 },
    { send_timeout: 1_000_000, receive_timeout: 1_000_000 },
    { _poll_timeout: 1000 },
    { _io_msg_watermark: 10, _io_bytes_watermark: 1000, _io_key_prefetch: 5 },
    { _sort_hosts: true, _hash_with_prefix_key: true, namespace: 'space:' },
    { hash: 'crc', distribution: 'consistent', num_replicas: 1 },
  ])('work with %j', async (behaviors) => {
    const mc = connect({ behaviors });
    const keys = Array.from({ length: 100 }, () => uniqueKey());
    expect(await mc.setMulti(keys.map((key) => [key, key] as const))).toEqual([]);
    expect((await mc.getMulti(keys)).size).toBe(100);
    await mc.set(keys[0] as string, 1);
    expect(await mc.incr(keys[0] as string)).toBe(2);
    const [, token] = await mc.gets(keys[1] as string);
    expect(await mc.cas(keys[1] as string, 'swapped', token as bigint)).toBe(true);
    expect(await mc.append(keys[1] as string, '!')).toBe(true);
    expect(await mc.get(keys[1] as string)).toBe('swapped!');
    expect(await mc.deleteMulti(keys)).toBe(true);
  });

  it('_noreply: stores resolve to true, and are carried out in order', async () => {
    const mc = connect({ behaviors: { _noreply: true } });
    const key = uniqueKey();
    expect(await mc.set(key, 'first')).toBe(true);
    expect(await mc.add(key, 'second')).toBe(true);
    expect(await mc.get(key)).toBe('first');
    await mc.set(key, 'third');
    expect(await mc.get(key)).toBe('third');
  });
});

describe('the distribution', () => {
  const connect = useClients();
  const servers = useServers(3);

  it('applies at once, to later operations only', async () => {
    const mc = connect(servers());
    const keys = Array.from({ length: 60 }, () => uniqueKey());
    const before = keys.map((key) => mc.serverFor(key));
    const writing = mc.setMulti(keys.map((key) => [key, 1] as const));
    mc.behaviors.ketama = true;
    const after = keys.map((key) => mc.serverFor(key));
    expect(after).not.toEqual(before);
    await writing;
    for (const [index, key] of keys.entries()) {
      const home = servers().find(({ address }) => address === before[index]);
      expect(await stored(home as never, key)).toBeDefined();
    }
    mc.behaviors.ketama = false;
    expect((await mc.getMulti(keys)).size).toBe(60);
  });
});
