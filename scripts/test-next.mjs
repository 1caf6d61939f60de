// Builds an application with Next.js and libmemcached/next-cache-handler, as docs/next-cache-handler.md has it, from the packed
// package, and serves it by two instances, which share nothing but a memcached.
//
//   node scripts/test-next.mjs           fetches Next into .cache/bundlers (400 MB)

import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startMemcached } from './soak/server.mjs';
import { check, prepare, project, run, startServer } from './test-bundlers/project.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const folders = ['one', 'two'].map((name) => join(project, name));
const memcached = await startMemcached();
const instances = [];

/** What the pages fetch: another answer each time. */
let answers = 0;
const data = createServer((_request, response) => response.end(`answer ${(answers += 1)}`)).listen(0, '127.0.0.1');
await once(data, 'listening');
const env = { MEMCACHED: memcached.address, DATA: `http://127.0.0.1:${data.address().port}` };

/** What stands in the brackets of a page. */
async function read(instance, path) {
  const response = await fetch(instance.address + path);
  const text = await response.text();
  return response.status === 200 ? (/\[([^\]]*)\]/.exec(text)?.[1] ?? text) : `status ${response.status}`;
}

async function revalidate(instance, query) {
  const response = await fetch(`${instance.address}/revalidate?${new URLSearchParams(query)}`, { method: 'POST' });
  check(`revalidate ${JSON.stringify(query)}`, await response.text(), 'done');
}

function differs(what, value, former) {
  if (value === former) throw new Error(`${what}: still "${value}"`);
  console.log(`${what}: ${value}`);
}

async function becomes(what, readValue, former) {
  let value = former;
  for (let attempt = 0; attempt < 100 && value === former; attempt++) {
    await sleep(50);
    value = await readValue();
  }
  differs(what, value, former);
  return value;
}

async function build() {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  cpSync('test/next', folders[0], { recursive: true });
  await run('npx', ['next', 'build'], { cwd: folders[0], env });
  cpSync(folders[0], folders[1], { recursive: true, verbatimSymlinks: true });
}

async function serve() {
  const next = join(project, 'node_modules/next/dist/bin/next');
  for (const cwd of folders) instances.push(await startServer([next, 'start'], { cwd, env }));
}

async function pages() {
  const [one, two] = instances;
  for (const path of ['/static', '/fetched', '/cached']) {
    const made = await read(one, path);
    check(`${path}, of both instances`, await read(two, path), made);
    check(`${path}, again`, await read(one, path), made);
  }
  for (const instance of instances) {
    check('/posts/2', await read(instance, '/posts/2'), 'post 2');
    check('/posts/3', await read(instance, '/posts/3'), 'status 404');
  }
}

async function revalidations() {
  const [one, two] = instances;
  const [page, fetched, cached] = await Promise.all(['/static', '/fetched', '/cached'].map((path) => read(one, path)));

  await revalidate(two, { path: '/static' });
  const newPage = await read(one, '/static');
  differs('/static, revalidated by the other instance', newPage, page);
  check('/static, of both instances', await read(two, '/static'), newPage);

  await revalidate(two, { tag: 'data', expire: '0' });
  const newFetched = await read(one, '/fetched');
  differs('/fetched, revalidated by the other instance', newFetched, fetched);
  check('/fetched, of both instances', await read(two, '/fetched'), newFetched);

  await revalidate(one, { tag: 'data', profile: 'max' });
  check('/fetched, stale at first', await read(two, '/fetched'), newFetched);
  const made = await becomes('/fetched, made in the background', () => read(two, '/fetched'), newFetched);
  check('/fetched, of both instances', await read(one, '/fetched'), made);

  await revalidate(two, { tag: 'value', expire: '0' });
  differs('/cached, revalidated by the other instance', await read(one, '/cached'), cached);
  check('/static, which has no such tag', await read(one, '/static'), newPage);
}

async function withoutMemcached() {
  const [one] = instances;
  await memcached.stop();
  const page = await read(one, '/static');
  differs('/static without memcached', page, 'status 500');
  differs('/static without memcached, again', await read(one, '/static'), page);
}

try {
  await prepare();
  await build();
  await serve();
  await pages();
  await revalidations();
  await withoutMemcached();
  console.log('Next, cache handler: everything holds');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  for (const instance of instances) await instance.stop();
  await memcached.stop();
  data.close();
}
