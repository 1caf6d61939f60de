/** Attempts of an operation: again at the same server, then, with `failover`, at the next. */

import {
  ConnectionError,
  HostLookupError,
  ReadError,
  ServerDown,
  TimeoutError,
  WriteError,
  type Client,
  type MemcachedError,
} from '../../index';
import type { FullClientOptions } from './options';
import type { Server } from './server';

/** Failures that may have passed when it is tried again. All others are answers. */
const passing = [ConnectionError, HostLookupError, ReadError, ServerDown, TimeoutError, WriteError];

interface Owner {
  readonly options: Pick<
    FullClientOptions<unknown, unknown>,
    'retries' | 'retry_delay' | 'failover' | 'failoverTime' | 'logger'
  >;
  server(key: string): Server | null;
}

/**
 * The first attempt is made at once. A write that may have been applied is never repeated, unlike with memjs: it might count
 * twice.
 */
export async function attempt<R>(owner: Owner, key: string, send: (client: Client) => Promise<R>): Promise<R> {
  const { retries, retry_delay: delay, failover, failoverTime, logger } = owner.options;
  let attempts = 0;
  for (;;) {
    const server = owner.server(key);
    if (server === null) throw new Error('No servers available');
    attempts += 1;
    try {
      return await send(server.client);
    } catch (error) {
      if (!passing.some((kind) => error instanceof kind)) throw error;
      const { outcomeUnknown, message } = error as MemcachedError;
      if (attempts < retries && !outcomeUnknown) {
        await new Promise((resolve) => setTimeout(resolve, delay * 1000));
        continue;
      }
      logger.log(`MemJS: Server <${server.name}> failed after (${attempts}) retries with error - ${message}`);
      const isLeftOut = failover === true && server.isDown;
      if (isLeftOut) server.wakeupAt = Date.now() + failoverTime * 1000;
      if (!isLeftOut || outcomeUnknown) throw error;
      attempts = 0;
    }
  }
}
