/**
 * One client, one workload, one process: `node worker.mjs '<json>'` with { client, workload, servers, seconds, warmup }.
 * Prints one line of JSON: the figures, or { error } or { wrong }.
 */
import { readFileSync } from 'node:fs';
import { loadAdapter } from './clients/index.mjs';
import { authority } from './runner/certificates.mjs';
import { check, WrongData } from './worker/check.mjs';
import { closed } from './worker/closed.mjs';
import { makeData } from './worker/data.mjs';
import { flat, memory } from './worker/memory.mjs';
import { open } from './worker/open.mjs';
import { operations } from './worker/operations.mjs';
import { seed } from './worker/seed.mjs';

const kinds = { closed, open, memory, flat };

async function work({ client, workload, servers, seconds, warmup }) {
  const Adapter = await loadAdapter(client);
  const makeAdapter = async () => {
    const adapter = new Adapter();
    await adapter.connect(servers, workload.values, workload.tls ? { ca: readFileSync(authority) } : undefined);
    return adapter;
  };
  const adapter = await makeAdapter();
  const data = makeData(workload);
  const operation = operations[workload.operation](adapter, data, servers, workload.keys);

  await seed(
    adapter,
    data.keys.map((key, at) => [key, data.values[at]]),
    data.size,
  );
  if (operation.seed) await seed(adapter, operation.seed(), 1);
  await check(adapter, workload, data);

  const result = await kinds[workload.kind](
    { ...workload, operation, servers, data, makeAdapter },
    { seconds, warmup },
  );
  const rss = process.memoryUsage.rss() / 1_000_000;
  await adapter.close();
  return { ...result, rss };
}

let answer;
try {
  answer = await work(JSON.parse(process.argv[2]));
} catch (error) {
  answer = { [error instanceof WrongData ? 'wrong' : 'error']: error?.message ?? String(error) };
}
// Some clients keep sockets open; the answer is all that is wanted from this process.
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
