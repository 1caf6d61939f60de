// A port whose backlog is full: the kernel answers no connection attempt at all, as for a host that is gone.

import { spawn } from 'node:child_process';
import * as net from 'node:net';

export interface FullBacklog {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  stop(): void;
}

const HOST = '127.0.0.1';
const listen = `
const server = require('node:net').createServer();
const [, host, port] = process.argv;
server.listen({ port: Number(port), host, backlog: 1 }, () => console.log(server.address().port));
`;

export async function startFullBacklog(host = HOST, wanted = 0): Promise<FullBacklog> {
  const args = ['-e', listen, host, String(wanted)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (text: Buffer) => {
      resolve(Number(text.toString()));
    });
  });
  child.kill('SIGSTOP');
  // So many are accepted by the kernel; then it drops what comes.
  const fillers = Array.from({ length: 8 }, () => net.connect(port, host).on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(fillers.some((socket) => socket.connecting)).toBe(true);
  return {
    host,
    port,
    address: `${host}:${String(port)}`,
    stop() {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
