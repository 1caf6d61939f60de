/**
 * worker_threads: each thread has a client of its own, and they share what is in memcached. Four workers count the words of
 * some texts. A text that one of them has counted, in this run or an earlier one, is not counted again.
 *
 *     MEMCACHED_SERVERS=127.0.0.1:11211 node examples/worker-threads.mjs
 */

import { createHash } from 'node:crypto';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Client } from 'libmemcached';

const servers = (process.env.MEMCACHED_SERVERS ?? '127.0.0.1:11211').split(',');

if (isMainThread) await main();
else await work(workerData);

async function main() {
  const texts = Array.from({ length: 40 }, (_, index) => 'word '.repeat((index % 10) + 1));
  const workers = Array.from({ length: 4 }, (_, index) => {
    const share = texts.filter((_, each) => each % 4 === index);
    return new Worker(new URL(import.meta.url), { workerData: share });
  });
  const results = await Promise.all(
    workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
  );
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  console.log(`${texts.length} texts, ${sum('words')} words; counted ${sum('counted')} of the texts`);
}

async function work(texts) {
  const mc = new Client(servers);
  let counted = 0;
  let words = 0;
  for (const text of texts) {
    const key = `words:${createHash('sha256').update(text).digest('base64url')}`;
    words += await mc.getOrSet(key, () => countWords(text), 3600);
  }
  await mc.close();
  parentPort.postMessage({ words, counted });

  function countWords(text) {
    counted += 1;
    return text.trim().split(/\s+/).length;
  }
}
