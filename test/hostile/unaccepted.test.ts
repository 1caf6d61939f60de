// A server whose backlog is full: the kernel answers no connection attempt at all.

import { MARGIN, protocols, tally, timed, useClients } from '../support/failover-clusters';
import { startFullBacklog, type FullBacklog } from '../support/full-backlog';

const connect = useClients();
let server: FullBacklog;
beforeAll(async () => {
  server = await startFullBacklog();
});
afterAll(() => {
  server.stop();
});

describe.each(protocols)('binary: %s', (binary) => {
  it('every operation ends by its deadline', async () => {
    const mc = connect(server, { binary, timeout: 400 });
    const results = await Promise.all([
      timed(mc.get('key')),
      timed(mc.set('key', 1)),
      timed(mc.incr('key')),
      timed(mc.getMulti(['key', 'other'])),
      timed(mc.getStats()),
      timed(mc.version()),
    ]);
    for (const { outcome, milliseconds, error } of results) {
      expect(['TimeoutError', 'ConnectionError', 'ServerDown']).toContain(outcome);
      expect(error).toMatchObject({ outcomeUnknown: false });
      expect(milliseconds).toBeLessThan(400 + MARGIN);
    }
    expect(tally(results).ok).toBeUndefined();
  });
});
