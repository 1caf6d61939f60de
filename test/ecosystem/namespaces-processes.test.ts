// A namespace that several processes share, each invalidating it in turn: nobody sees what was stored before an
// invalidation that it knows of.

import { startMemcached, stopAll } from '../support/memcached-servers';
import { killAll, Program } from '../support/message-programs';

afterAll(async () => {
  killAll();
  await stopAll();
});

it('after invalidate() has resolved in one process, no process reads old values', async () => {
  const server = await startMemcached();
  const programs = Array.from({ length: 3 }, () => new Program('namespace', [server.address, 'shared']));
  const each = (message: Record<string, unknown>): Promise<Record<string, unknown>[]> =>
    Promise.all(
      programs.map((program) => {
        program.send(message);
        return program.next();
      }),
    );
  await Promise.all(programs.map((program) => program.next()));
  for (let round = 1; round <= 200; ++round) {
    const program = programs[round % programs.length] as Program;
    program.send({ invalidate: round });
    expect(await program.next()).toEqual({ invalidated: round });
    await each({ known: round });
  }
  let hits = 0;
  for (const result of await each({ stop: true })) {
    expect(result.stale).toBe(0);
    hits += result.hits as number;
  }
  expect(hits).toBeGreaterThan(1000);
}, 60_000);
