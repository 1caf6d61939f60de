// A server whose backlog is full: the kernel answers no connection attempt at all.

import { spawn, type ChildProcess } from 'node:child_process';
import * as net from 'node:net';
import { MARGIN, protocols, tally, timed, useClients } from '../failover/support';

const connect = useClients();

const listen = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

let child: ChildProcess;
let port: number;
const fillers: net.Socket[] = [];

beforeAll(async () => {
  child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  port = await new Promise<number>((resolve) => {
    child.stdout?.once('data', (text: Buffer) => {
      resolve(Number(text.toString()));
    });
  });
  child.kill('SIGSTOP');
  // So many are accepted by the kernel; then it drops what comes.
  for (let index = 0; index < 8; ++index) fillers.push(net.connect(port, '127.0.0.1').on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(fillers.some((socket) => socket.connecting)).toBe(true);
});
afterAll(() => {
  for (const socket of fillers) socket.destroy();
  child.kill('SIGKILL');
});

describe.each(protocols)('binary: %s', (binary) => {
  it('every operation ends by its deadline', async () => {
    const mc = connect(`127.0.0.1:${port}`, { binary, timeout: 400 });
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

  it('connect_timeout is shorter than the deadline, if it is set so', async () => {
    const mc = connect(`127.0.0.1:${port}`, { binary, timeout: 10_000, behaviors: { connect_timeout: 200 } });
    const { outcome, milliseconds } = await timed(mc.get('key'));
    expect(['TimeoutError', 'ConnectionError']).toContain(outcome);
    expect(milliseconds).toBeLessThan(2 * 200 + MARGIN);
  });
});
