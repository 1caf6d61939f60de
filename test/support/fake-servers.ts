// Servers that do what a real memcached will not: stay silent, answer nonsense, refuse, speak HTTP.

import * as net from 'node:net';
import { freePort, type Endpoint } from './child-processes';

export interface FakeServer extends Endpoint {
  readonly address: string;
  /** How many connections it has accepted. */
  readonly accepted: number;
  /** Everything that clients have sent. */
  readonly received: Buffer;
  /** Breaks the connections that are open. */
  disconnectAll(): void;
  stop(): Promise<void>;
}

/** Decides what is answered to what has just arrived: `socket.write(…)`, `socket.destroy()`, nothing. */
export type Handler = (socket: net.Socket, chunk: Buffer) => void;

const HOST = '127.0.0.1';

export async function startReplayServer(handler: Handler): Promise<FakeServer> {
  const sockets = new Set<net.Socket>();
  const chunks: Buffer[] = [];
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // clients may hang up at any time
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      handler(socket, chunk);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, HOST, resolve);
  });
  // A test that forgets it should fail by its assertions, not keep jest from ending.
  server.unref();
  const { port } = server.address() as net.AddressInfo;
  const disconnectAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: HOST,
    port,
    address: `${HOST}:${String(port)}`,
    get accepted() {
      return accepted;
    },
    get received() {
      return Buffer.concat(chunks);
    },
    disconnectAll,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      disconnectAll();
      await closed;
    },
  };
}

/** Accepts, reads, and never answers. */
export function startSilentServer(): Promise<FakeServer> {
  return startReplayServer(() => undefined);
}

/** Answers every request as a web server that does not understand it. */
export function startHttpServer(): Promise<FakeServer> {
  return startReplayServer((socket) => {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
}

/** The address of a port at which nothing listens, so that connections are refused. */
export async function startRefusingPort(): Promise<Endpoint & { readonly address: string }> {
  const port = await freePort(HOST);
  return { host: HOST, port, address: `${HOST}:${String(port)}` };
}
