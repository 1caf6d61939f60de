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
server.listen({ port: 0, host: '${HOST}', backlog: 1 }, () => console.log(server.address().port));
`;

export async function startFullBacklog(): Promise<FullBacklog> {
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (text: Buffer) => {
      resolve(Number(text.toString()));
    });
  });
  child.kill('SIGSTOP');
  // So many are accepted by the kernel; then it drops what comes.
  const fillers = Array.from({ length: 8 }, () => net.connect(port, HOST).on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(fillers.some((socket) => socket.connecting)).toBe(true);
  return {
    host: HOST,
    port,
    address: `${HOST}:${String(port)}`,
    stop() {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
