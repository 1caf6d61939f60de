// Child processes of the tests: started when they answer, remembered, and never left behind.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as net from 'node:net';
import { plainEnvironment } from './sanitizers';

export interface Endpoint {
  host: string;
  port: number;
  /** Of a Unix socket; host and port do not count then. */
  path?: string;
}

const running = new Set<ServerProcess>();

/** Has the kernel kill the child when we die, however we die: jest does not run 'exit' handlers of test files. */
const SETPRIV = '/usr/bin/setpriv';
const dieWithUs = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : [];

process.on('exit', () => {
  for (const server of running) server.signal('SIGKILL');
});

/** Ends every process that was started through this file and still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((server) => server.kill()));
}

/** A port that nothing listened on a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function connectTo(endpoint: Endpoint): net.Socket {
  return endpoint.path === undefined
    ? net.connect({ host: endpoint.host, port: endpoint.port })
    : net.connect({ path: endpoint.path });
}

async function accepts(endpoint: Endpoint): Promise<boolean> {
  const socket = connectTo(endpoint);
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
  } finally {
    socket.destroy();
  }
}

/** The process ended before it accepted a connection. */
export class StartError extends Error {}

/** A server program that has been started and accepts connections. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #stderr = '';

  private constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const [file = command, ...rest] = [...dieWithUs, command, ...args];
    this.#child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...plainEnvironment, ...env } });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    this.#gone = new Promise((resolve) => {
      const end = () => {
        running.delete(this);
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        this.#stderr += error.message;
        end();
      });
    });
    running.add(this);
  }

  static async start(
    command: string,
    args: readonly string[],
    endpoint: Endpoint,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(command, args, env);
    const deadline = Date.now() + 10_000;
    while (!(await accepts(endpoint))) {
      if (!server.running || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // A program that found its port taken has ended by now, or is about to: what accepted was somebody else.
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (!server.running || Date.now() > deadline) {
      await server.kill();
      throw new StartError(`${command} ${args.join(' ')} did not start: ${server.#stderr.trim()}`);
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return running.has(this);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGKILL: these servers have nothing to save, and memcached takes up to a second to obey SIGTERM. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#gone;
  }
}

/** Starts a server on a free port, and again on another one if somebody was faster. */
export async function onFreePort<T>(host: string, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort(host));
    } catch (error) {
      if (!(error instanceof StartError) || attempt === 5) throw error;
    }
  }
}
