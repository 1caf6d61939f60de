// Keys: the same bytes on the wire, whatever they are made of and whatever goes before them.

import { Client, type Key } from '../../lib/index';
import { storedItem } from '../support/stored-items';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { askPython, py, readWithPylibmc, type PythonValue } from '../support/pylibmc';

let server: MemcachedServer;

beforeAll(async () => {
  server = await startMemcached();
});

afterAll(stopAll);

const hex = (key: Key): string => Buffer.from(key as string).toString('hex');

/** pylibmc sets each key (as bytes, or as str where that is asked) to its hex, and reads what we have set. */
function exchange(
  keys: readonly Key[],
  options: { binary: boolean; asText?: boolean; behaviors?: Record<string, unknown>; keyPrefix?: string },
): Promise<{ single: PythonValue[]; multi: string[] }> {
  const program = `
mc = connect([input['server']], input['behaviors'], binary=input['binary'])
keys = [bytes.fromhex(key) for key in input['keys']]
if input['asText']: keys = [key.decode() for key in keys]
prefix = input['keyPrefix']
single = [attempt(lambda: mc.get(key if prefix is None else (prefix.encode() + key if isinstance(key, bytes) else prefix + key))) for key in keys]
found = mc.get_multi(keys, key_prefix=prefix) if prefix is not None else mc.get_multi(keys)
multi = [found.get(key) for key in keys]
failed = mc.set_multi({key: 'theirs ' + code for key, code in zip(keys, input['keys'])}, **({} if prefix is None else {'key_prefix': prefix}))
if failed: raise RuntimeError('not set: ' + repr(failed))
output = {'single': single, 'multi': multi}
`;
  const { binary, asText = false, behaviors = {}, keyPrefix = null } = options;
  return askPython(program, { server: server.address, keys: keys.map(hex), binary, asText, behaviors, keyPrefix });
}

const textKeys = [
  'plain',
  'gr\u00fc\u00dfe', // ü as one character
  'gru\u0308\u00dfe', // ü as two: another key
  '鍵:日本語',
  '\u{1f511}\u{1f4a3}',
  '\ufffd\uffff',
  'no\u00a0break',
  '~!@#$%^&*()_+{}|:"<>?`-=[]\\;\',./',
  'x'.repeat(250),
  'é'.repeat(125),
  'a',
];
const byteKeys = [
  Buffer.from([0xff]),
  Buffer.from([0x80, 0xfe, 0xff]),
  Buffer.from('latin-1: \xfc'.replace(' ', ''), 'latin1'),
];
const binaryKeys = [
  Buffer.from([0]),
  Buffer.from([0, 0, 1]),
  Buffer.from('a key with spaces'),
  Buffer.from('line\r\nbreak'),
  Buffer.from('\t'),
  Buffer.from([0x7f]),
  Buffer.from(Array.from({ length: 250 }, (_, index) => index)),
];

/** Both set and get all of them, one by one and together. */
async function bothWays(client: Client, keys: readonly Key[], options: Parameters<typeof exchange>[1]): Promise<void> {
  const multi = options.keyPrefix === undefined ? {} : { keyPrefix: options.keyPrefix };
  expect(
    await client.setMulti(
      keys.map((key) => [key, `ours ${hex(key)}`] as const),
      multi,
    ),
  ).toEqual([]);
  const theirs = await exchange(keys, options);
  const expected = keys.map((key) => `ours ${hex(key)}`);
  expect(theirs.single).toEqual(expected.map(py.str));
  expect(theirs.multi).toEqual(expected);
  const values = await client.getMulti(keys, multi);
  expect([...values]).toEqual(keys.map((key) => [key, `theirs ${hex(key)}`]));
  if (options.keyPrefix !== undefined) return;
  for (const key of keys) expect(await client.get(key)).toBe(`theirs ${hex(key)}`);
}

describe.each([
  ['text', false],
  ['binary', true],
])('in the %s protocol', (_protocol, binary) => {
  let client: Client;

  beforeAll(() => {
    client = new Client(server.address, { binary });
  });

  afterAll(() => client.close());

  it('str keys', () => bothWays(client, textKeys, { binary, asText: true }));

  it('our strings are their bytes', () => bothWays(client, textKeys, { binary }));

  it('our bytes are their str', () =>
    bothWays(
      client,
      textKeys.map((key) => Buffer.from(key)),
      { binary, asText: true },
    ));

  it('bytes that are not UTF-8', () => bothWays(client, byteKeys, { binary }));

  if (binary) it('whitespace, control and zero bytes', () => bothWays(client, binaryKeys, { binary }));

  it.each(['prefix-', 'präfix:', 'x'.repeat(100)])('keyPrefix %j', (keyPrefix) =>
    bothWays(client, ['a', 'ü', uniqueKey()], { binary, asText: true, keyPrefix }),
  );

  it.each(['app:', '~!:', 'n'.repeat(100)])('namespace %j', async (namespace) => {
    const behaviors = { namespace };
    const own = new Client(server.address, { binary, behaviors });
    const keys = ['a', 'ü', uniqueKey()];
    await bothWays(own, keys, { binary, asText: true, behaviors });
    // Without the namespace both see the whole key, and nothing under the bare one.
    const [key] = [keys[2] as string];
    expect((await storedItem(server, namespace + key))?.data.toString()).toBe(`theirs ${hex(key)}`);
    expect(await client.get(namespace + key)).toBe(`theirs ${hex(key)}`);
    expect(await client.get(key)).toBeUndefined();
    expect(await readWithPylibmc(server.address, [namespace + key, key], { binary })).toEqual([
      py.str(`theirs ${hex(key)}`),
      py.none,
    ]);
    await own.close();
  });

  it('namespace and keyPrefix: the namespace comes first', async () => {
    const behaviors = { namespace: 'app:' };
    const own = new Client(server.address, { binary, behaviors });
    const key = uniqueKey();
    await bothWays(own, [key], { binary, asText: true, behaviors, keyPrefix: 'prefix:' });
    expect(await client.get(`app:prefix:${key}`)).toBe(`theirs ${hex(key)}`);
    await own.close();
  });

  it('a namespace that is too long is refused by both', async () => {
    const namespace = 'n'.repeat(128);
    await expect(readWithPylibmc(server.address, ['key'], { binary, behaviors: { namespace } })).rejects.toThrow(
      'memcached_callback_set returned',
    );
    expect(() => new Client(server.address, { binary, behaviors: { namespace } })).toThrow(RangeError);
  });

  it('a namespace that is set later', async () => {
    const own = new Client(server.address, { binary });
    const key = uniqueKey();
    await own.set(key, 'bare');
    own.behaviors.namespace = 'later:';
    await own.set(key, 'named');
    expect(await readWithPylibmc(server.address, [key], { binary })).toEqual([py.str('bare')]);
    expect(await readWithPylibmc(server.address, [key], { binary, behaviors: { namespace: 'later:' } })).toEqual([
      py.str('named'),
    ]);
    await own.close();
  });

  it('keys that are too long are sent by neither', async () => {
    const read = (keys: string[], behaviors = {}) => readWithPylibmc(server.address, keys, { binary, behaviors });
    expect(await read(['x'.repeat(251), 'é'.repeat(126)])).toEqual([
      { type: 'raised', text: 'ValueError' },
      { type: 'raised', text: 'ValueError' },
    ]);
    await expect(client.get('x'.repeat(251))).rejects.toMatchObject({ name: 'BadKeyProvided' });
    await expect(client.get('é'.repeat(126))).rejects.toMatchObject({ name: 'BadKeyProvided' });
    await expect(client.getMulti(['x'.repeat(250)], { keyPrefix: 'p' })).rejects.toMatchObject({
      name: 'BadKeyProvided',
    });
  });

  it('an empty key is a miss to pylibmc, and a mistake to us', async () => {
    expect(await readWithPylibmc(server.address, [''], { binary })).toEqual([py.none]);
    await expect(client.get('')).rejects.toMatchObject({ name: 'BadKeyProvided' });
  });
});

describe('a namespace of other letters', () => {
  const namespace = 'ünï:';

  it('is refused in text', async () => {
    await expect(readWithPylibmc(server.address, ['key'], { behaviors: { namespace } })).rejects.toThrow(
      'bad key provided',
    );
    // The error says what is wrong.
    const client = new Client(server.address, { binary: false });
    expect(() => {
      client.setBehaviors({ namespace });
    }).toThrow('namespace');
    await client.close();
    expect(() => new Client(server.address, { binary: false, behaviors: { namespace } })).toThrow('namespace');
  });

  it('is understood in binary, as pylibmc’s', async () => {
    const behaviors = { namespace };
    const client = new Client(server.address, { binary: true, behaviors });
    await bothWays(client, ['a', 'ü', uniqueKey()], { binary: true, asText: true, behaviors });
    await client.close();
  });

  it('is refused by us if it has whitespace, in both protocols; by pylibmc in text', async () => {
    const behaviors = { namespace: 'a b:' };
    await expect(readWithPylibmc(server.address, ['key'], { behaviors })).rejects.toThrow('bad key provided');
    expect(await readWithPylibmc(server.address, ['key'], { behaviors, binary: true })).toEqual([py.none]);
    for (const binary of [false, true])
      expect(() => new Client(server.address, { binary, behaviors })).toThrow(RangeError);
  });
});

it('keys that the text protocol cannot carry are refused before anything is sent', async () => {
  const client = new Client(server.address, { binary: false });
  for (const key of binaryKeys) await expect(client.get(key)).rejects.toMatchObject({ name: 'BadKeyProvided' });
  await client.close();
});

it('expiry: both mean the same seconds', async () => {
  const client = new Client(server.address);
  const keys = Array.from({ length: 4 }, () => uniqueKey()) as [string, string, string, string];
  const soon = Math.floor(Date.now() / 1000) + 2;
  await Promise.all([client.set(keys[0], 1, 1), client.set(keys[1], 1, soon), client.set(keys[2], 1, 100)]);
  await askPython(`output = connect([input[0]]).set(input[1], 1, 1)`, [server.address, keys[3]]);
  const deadline = Date.now() + 8000;
  let read: string[] = [];
  while (Date.now() < deadline) {
    read = (await readWithPylibmc(server.address, keys)).map(({ type }) => type);
    if (read.join() === 'NoneType,NoneType,int,NoneType') break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(read).toEqual(['NoneType', 'NoneType', 'int', 'NoneType']);
  expect(await client.get(keys[3])).toBeUndefined();
  await client.close();
});
