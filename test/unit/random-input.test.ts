// What parses in TypeScript, given thousands of random inputs that look a little like what it expects. (What parses and
// plans natively is fuzzed: npm run fuzz.) The seed is in the name of each test.

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

import { behaviorNames } from '../../lib/options/behaviors';
import { deserialize, pylibmcCodec } from '../../lib/codecs/pylibmc';
import { Client, DeserializationError, MemcachedError } from '../../lib/index';
import { parseServer, serverName, Transport } from '../../lib/options/servers';

const SEED = Number(process.env.SEED ?? 20260101);
const ROUNDS = 5000;

let random: () => number;
beforeEach(() => {
  const generator = xoroshiro128plus(SEED);
  random = () => uniformFloat64(generator);
});
const below = (limit: number): number => Math.floor(random() * limit);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
const several = <T>(make: () => T, most: number): T[] => Array.from({ length: below(most + 1) }, make);

/** What was thrown, which must be one of `kinds`; undefined if nothing was. */
function thrownBy(call: () => unknown, kinds: readonly (new (...args: never[]) => Error)[], input: unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw new Error(`for ${JSON.stringify(input)}`, { cause: error });
    return error;
  }
}

it(`server specifications (SEED=${SEED})`, () => {
  const parts = ['udp:', '[', ']', ':', '::1', '/', 'a', 'host.example', '0', '1', '11211', '65536', '-1', '1e3'];
  const odd = [' ', '\0', '\r\n', '%', 'é', '😀', 'x'.repeat(200), '', '1'.repeat(400)];
  let parsed = 0;
  for (let round = 0; round < ROUNDS; ++round) {
    const spec = several(() => pick(random() < 0.9 ? parts : odd), 7).join('');
    if (thrownBy(() => parseServer(spec), [TypeError, RangeError], spec) !== undefined) continue;
    ++parsed;
    const server = parseServer(spec);
    const { transport, port, weight } = server;
    if (transport === Transport.Unix) {
      expect(server).toEqual({ transport, host: spec, port: 0, weight: 1 });
      continue;
    }
    expect(port >= 1 && port <= 65535 && weight >= 1 && weight <= 65535).toBe(true);
    const again = `${transport === Transport.Udp ? 'udp:' : ''}${serverName(server)}:${weight}`;
    expect(parseServer(again)).toEqual(server);
  }
  expect(parsed).toBeGreaterThan(100);
});

it(`stored bytes under any flags (SEED=${SEED})`, () => {
  const starts = [
    '',
    '1',
    '-0',
    '12345678901234567890',
    '{"a":',
    '[1]',
    'NaN',
    'true',
    '\x80\x05',
    'x\x9c',
    '1e400',
    ' 7 ',
  ];
  for (let round = 0; round < ROUNDS; ++round) {
    const data = Buffer.concat([Buffer.from(pick(starts), 'latin1'), Buffer.from(several(() => below(256), 8))]);
    const flags = random() < 0.8 ? below(2 ** 12) : below(2 ** 32);
    thrownBy(() => deserialize(data, flags), [DeserializationError], { data: data.toString('latin1'), flags });
  }
});

it(`what is stored is read back (SEED=${SEED})`, () => {
  const numbers = [0, -0, 1, -1, 0.1, NaN, Infinity, -Infinity, 2 ** 53, 2 ** 53 + 2, 1e-320, Number.MAX_SAFE_INTEGER];
  const texts = ['', 'é', '\0', '😀', '12', 'null'];
  const value = (depth: number): unknown => {
    const kind = below(depth > 0 ? 8 : 6);
    if (kind === 0) return pick(numbers);
    if (kind === 1) return pick(texts) + several(() => pick(texts), 3).join('');
    if (kind === 2) return random() < 0.5;
    if (kind === 3) return null;
    if (kind === 4) return depth === 3 ? BigInt(pick(['0', '-1', '18446744073709551616'])) : 'no bigint in JSON';
    if (kind === 5) return depth === 3 ? Buffer.from(several(() => below(256), 20)) : 'no bytes in JSON';
    if (kind === 6) return several(() => jsonValue(depth - 1), 4);
    return Object.fromEntries(several(() => [pick(texts), jsonValue(depth - 1)], 4));
  };
  /** As JSON has it: without the numbers that it turns into null or 0. */
  const jsonValue = (depth: number): unknown => {
    const made = value(depth);
    return typeof made === 'number' && (!Number.isFinite(made) || Object.is(made, -0)) ? 1 : made;
  };
  for (let round = 0; round < ROUNDS; ++round) {
    const given = value(3);
    const [data, flags] = pylibmcCodec.serialize(given);
    expect(pylibmcCodec.deserialize(Buffer.from(data as string), flags)).toEqual(given);
  }
});

it(`behaviors and options (SEED=${SEED})`, () => {
  const names = [...behaviorNames, 'no such', '__proto__', 'constructor', ''];
  const values = [
    0,
    1,
    -1,
    0.5,
    NaN,
    Infinity,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 64,
    true,
    false,
    null,
    undefined,
    'md5',
  ];
  const more = ['ketama', 'consistent', '', 'ns:', ' ', 'x'.repeat(300), {}, [], 1n, Symbol('s'), () => 1];
  const any = (): unknown => pick<unknown>(random() < 0.7 ? values : more);
  const options = ['timeout', 'binary', 'connections', 'maxPending', 'username', 'password', 'codec', 'failSoft'];
  let made = 0;
  for (let round = 0; round < ROUNDS / 5; ++round) {
    const behaviors = Object.fromEntries(several(() => [pick(names), any()], 2));
    const given: Record<string, unknown> = {
      behaviors,
      ...Object.fromEntries(several(() => [pick(options), any()], 1)),
    };
    const construct = (): void => {
      new Client(pick(['127.0.0.1:1', 'udp:127.0.0.1:1', '/nowhere']), given).destroy();
      ++made;
    };
    thrownBy(construct, [TypeError, RangeError, MemcachedError], Object.keys({ ...behaviors, ...given }));
  }
  expect(made).toBeGreaterThan(50);
});
