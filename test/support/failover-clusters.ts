// What the failover tests share: clients, servers behind fault proxies, and the time that things take.

import { startFaultProxy, type FaultProxy } from './fault-proxy';
import { slowness } from './sanitizers';
import { startMemcached, stopAll, type MemcachedServer } from './memcached-servers';
import './wall-clock';

export { failure, protocols, sleep, stored, useClients, type Thrown } from './clients';

/** What a deadline may be missed by: 100 ms are promised, the rest is for machines that do something else as well. */
export const MARGIN = 400 * slowness;
/** Longer than an answer that needs no server takes. */
export const AT_ONCE = 100 * slowness;

/** `count` servers, new for each test. */
export function useFreshServers(count: number): () => MemcachedServer[] {
  let servers: MemcachedServer[] = [];
  beforeEach(async () => {
    servers = await Promise.all(Array.from({ length: count }, () => startMemcached()));
  });
  afterEach(stopAll);
  return () => servers;
}

/** A server for all tests of the block, and a proxy in front of it for each. */
export function useProxiedServer(): { server: () => MemcachedServer; proxy: () => FaultProxy } {
  let server: MemcachedServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    server = await startMemcached();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy(server);
  });
  afterEach(() => proxy.stop());
  afterAll(stopAll);
  return { server: () => server, proxy: () => proxy };
}

export interface Timed<T> {
  value?: T;
  error?: Error & Readonly<Record<string, unknown>>;
  /** `error.name`, or 'ok'. */
  outcome: string;
  milliseconds: number;
}

/** How a promise settled, and after how long. */
export async function timed<T>(promise: Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  try {
    const value = await promise;
    return { value, outcome: 'ok', milliseconds: performance.now() - start };
  } catch (error) {
    const thrown = error as NonNullable<Timed<T>['error']>;
    return { error: thrown, outcome: thrown.name, milliseconds: performance.now() - start };
  }
}

/** How many of each outcome. */
export function tally(results: readonly Timed<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

export async function until(isSo: () => boolean | Promise<boolean>, limit = 5000): Promise<void> {
  const end = Date.now() + limit;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
