// The same calls to a package and to our replacement of it, each with a server of its own; and what came of them.

import { startMemcached, type MemcachedServer } from './memcached-servers';

/** What a callback was called with, or what was thrown. */
export interface Outcome {
  thrown?: string;
  error?: unknown;
  results?: unknown[];
  context?: unknown;
}

export interface Sides<Theirs, Ours> {
  theirs: Theirs;
  ours: Ours;
  servers: { theirs: MemcachedServer[]; ours: MemcachedServer[] };
}

/** Servers for both sides, at different addresses. */
export async function startBothSides(
  count: number,
  args: readonly string[] = [],
): Promise<Sides<never, never>['servers']> {
  const start = (): Promise<MemcachedServer[]> =>
    Promise.all(Array.from({ length: count }, () => startMemcached({ memoryMb: 8, args: ['-t', '1', ...args] })));
  return { theirs: await start(), ours: await start() };
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Calls a method with a callback at the end. */
export function callBack(client: object, method: string, args: readonly unknown[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const callback = function (this: unknown, ...received: unknown[]): void {
      // A copy at once: memcached empties some results after its callback has returned.
      const [error, ...results] = received.map((value) => (Array.isArray(value) ? [...(value as unknown[])] : value));
      resolve({ error: plainError(error), results, context: this === client ? 'the client' : this });
    };
    try {
      (client as Methods)[method]?.(...args, callback);
    } catch (error) {
      resolve({ thrown: (error as Error).name });
    }
  });
}

/** Errors by what they say: `instanceof` and stacks differ. */
export function plainError(error: unknown): unknown {
  if (Array.isArray(error)) return error.map(plainError);
  return error instanceof Error ? Object.assign({}, error, { message: error.message }) : error;
}
