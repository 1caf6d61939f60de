// What the integration tests share: clients that are closed, servers of each kind, and looks at what really happened.

import { Client, type ClientOptions } from '../../lib/index';
import { rawCommand } from './raw-command';
import { startMemcached, stopAll, type MemcachedServer } from './memcached-servers';
import { startSilentServer, type FakeServer } from './fake-servers';
import type { Endpoint } from './child-processes';

export const protocols = [false, true] as const;
export type Protocol = (typeof protocols)[number];
export const transports = ['tcp', 'tcp6', 'unix'] as const;
export type Transport = (typeof transports)[number];

type Target = string | { readonly address: string };
export type Connect = (servers: Target | readonly Target[], options?: ClientOptions) => Client;

const addressOf = (target: Target): string => (typeof target === 'string' ? target : target.address);

/** A maker of clients, each of which ends with its test. */
export function useClients(): Connect {
  const clients: Client[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
  return (servers, options) => {
    const list = Array.isArray(servers) ? (servers as readonly Target[]) : [servers as Target];
    const client = new Client(list.map(addressOf), options);
    clients.push(client);
    return client;
  };
}

export interface Surroundings {
  server: () => MemcachedServer;
  connect: (options?: ClientOptions) => Client;
  protocol: Protocol;
  transport: Transport;
}

/** Runs the tests in every protocol over every transport. */
export function everywhere(define: (surroundings: Surroundings) => void): void {
  const connect = useClients();
  describe.each(transports)('%s', (transport) => {
    let server: MemcachedServer;
    beforeAll(async () => {
      server = await startMemcached({ transport, itemSize: '2m' });
    });
    afterAll(() => server.stop());
    describe.each(protocols)('binary: %s', (protocol) => {
      define({
        server: () => server,
        connect: (options) => connect(server, { binary: protocol, ...options }),
        protocol,
        transport,
      });
    });
  });
}

/** Runs the tests in every protocol over TCP. */
export function inEveryProtocol(define: (surroundings: Omit<Surroundings, 'transport'>) => void): void {
  const connect = useClients();
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => server.stop());
  describe.each(protocols)('binary: %s', (protocol) => {
    define({
      server: () => server,
      connect: (options) => connect(server, { binary: protocol, ...options }),
      protocol,
    });
  });
}

/** `count` servers for the tests of this block. */
export function useServers(count: number): () => MemcachedServer[] {
  let servers: MemcachedServer[] = [];
  beforeAll(async () => {
    servers = await Promise.all(Array.from({ length: count }, () => startMemcached()));
  });
  afterAll(stopAll);
  return () => servers;
}

/** A server that must never be sent anything: checked after each test, and once more at the end. */
export function useUntouchedServer(): () => FakeServer {
  let server: FakeServer;
  beforeAll(async () => {
    server = await startSilentServer();
  });
  let known = { connections: 0, bytes: 0 };
  const check = async (milliseconds: number): Promise<void> => {
    await sleep(milliseconds);
    const before = known;
    known = { connections: server.accepted, bytes: server.received.length };
    expect(known).toEqual(before);
  };
  afterEach(() => check(3));
  afterAll(async () => {
    try {
      await check(50);
    } finally {
      await server.stop();
    }
  });
  return () => server;
}

/** Errors as tests look at them: whatever members they have. */
export type Thrown = Error & Readonly<Record<string, unknown>>;

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Thrown> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    expect(error).toHaveProperty('message'); // not instanceof: Node's own come from another realm than jest's
    return error as Thrown;
  }
  throw new Error(`expected a rejection, got ${String(result)}`);
}

/** The error that a function throws at once. */
export function thrown(run: () => unknown): Thrown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    expect(error).toHaveProperty('message');
    return error as Thrown;
  }
  if (result instanceof Promise) result.catch(() => undefined);
  throw new Error(`expected it to throw, got ${String(result)}`);
}

/** What a server holds: the bytes as latin1 characters, and the flags; undefined if there is nothing. */
export async function stored(server: Endpoint, key: string): Promise<{ bytes: string; flags: number } | undefined> {
  const answer = await rawCommand(server, `get ${key}\r\n`, 'latin1');
  const head = /^VALUE \S+ (\d+) (\d+)\r\n/.exec(answer);
  if (head === null) return undefined;
  const start = head[0].length;
  return { bytes: answer.slice(start, start + Number(head[2])), flags: Number(head[1]) };
}

/** Stores bytes with flags, as another client might. */
export async function store(server: Endpoint, key: string, bytes: string | Uint8Array, flags: number): Promise<void> {
  const data = Buffer.from(bytes);
  const command = Buffer.concat([Buffer.from(`set ${key} ${flags} 0 ${data.length}\r\n`), data, Buffer.from('\r\n')]);
  expect(await rawCommand(server, command)).toBe('STORED\r\n');
}

/** The seconds that a key has left, as the server counts: -1 for ever, undefined if it is not there. */
export async function secondsLeft(server: Endpoint, key: string): Promise<number | undefined> {
  // `version` ends the answer: the helper does not know where a meta command's does.
  const answer = await rawCommand(server, `mg ${key} t\r\nversion\r\n`);
  const left = /^HD t(-?\d+)/.exec(answer)?.[1];
  return left === undefined ? undefined : Number(left);
}

/** One of a server's statistics. */
export async function statistic(server: Endpoint, name: string): Promise<number> {
  const answer = await rawCommand(server, 'stats\r\n');
  const value = new RegExp(`^STAT ${name} (\\d+)\r$`, 'm').exec(answer)?.[1];
  if (value === undefined) throw new Error(`no statistic ${name}`);
  return Number(value);
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How many connections a server has, once those that were given up are gone; ours for asking included. */
export async function quietConnections(server: Endpoint): Promise<number> {
  const counts: number[] = [];
  for (let sample = 0; sample < 8; ++sample) {
    counts.push(await statistic(server, 'curr_connections'));
    await sleep(10);
  }
  return Math.min(...counts);
}

/** Waits for a server to have so many connections. */
export async function haveConnections(server: Endpoint, expected: number): Promise<void> {
  let count = await statistic(server, 'curr_connections');
  for (let tries = 0; tries < 100 && count !== expected; ++tries) {
    await sleep(10);
    count = await statistic(server, 'curr_connections');
  }
  expect(count).toBe(expected);
}
