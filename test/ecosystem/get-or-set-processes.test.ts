// getOrSet in several processes: one load for all of them, and what becomes of a process that dies while it loads.

import { startMemcached, stopAll } from '../support/memcached-servers';
import { killAll, Program } from '../support/message-programs';

type Message = Record<string, unknown>;

afterEach(async () => {
  killAll();
  await stopAll();
});

async function start(count: number): Promise<Program[]> {
  const server = await startMemcached();
  const programs = Array.from({ length: count }, () => new Program('get-or-set', [server.address]));
  await Promise.all(programs.map((program) => program.next()));
  return programs;
}

/** Its results; what it says about loads meanwhile is skipped. */
async function resultOf(program: Program): Promise<Message> {
  for (;;) {
    const message = await program.next();
    if (message.loads !== undefined) return message;
  }
}

it.each([
  ['never seen', { time: 60 }],
  ['never seen, with stale values', { time: 60, staleFor: 60 }],
])(
  '8 processes, 1,000 callers, a value that was %s: one load',
  async (_what, options) => {
    const programs = await start(8);
    for (let round = 0; round < 3; ++round) {
      for (const program of programs)
        program.send({ key: `key-${String(round)}`, callers: 125, options, milliseconds: 300 });
      const results = await Promise.all(programs.map(resultOf));
      const loads = results.map((result) => result.loads as number);
      expect(loads.reduce((sum, count) => sum + count)).toBe(1);
      // All of them got what that one has loaded.
      expect(new Set(results.flatMap((result) => result.values as string[])).size).toBe(1);
    }
  },
  60_000,
);

it('the lease of a process that dies while it loads runs out, and another one loads', async () => {
  const [victim, heir] = (await start(2)) as [Program, Program];
  const message = { key: 'key', callers: 10, options: { time: 60, leaseFor: 1 } };
  victim.send({ ...message, milliseconds: 60_000 });
  expect(await victim.next()).toEqual({ loading: 'key' });
  victim.kill();
  heir.send({ ...message, milliseconds: 10 });
  expect(await resultOf(heir)).toMatchObject({ loads: 1, values: [expect.stringMatching(/^\d+$/)] });
}, 30_000);
