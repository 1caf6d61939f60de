// examples/, as they stand there: run by a plain node, against real servers, asked over HTTP.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual, promisify } from 'node:util';
import ts from 'typescript';
import { useServers } from '../support/clients';
import { until } from '../support/failover-clusters';

const root = join(__dirname, '..', '..');
const servers = useServers(2);
const children: ChildProcess[] = [];

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const addresses = servers().map((server) => server.address);
  return { PATH: process.env.PATH, PORT: '0', MEMCACHED_SERVERS: addresses.join(','), ...more };
}

/** Starts a service; returns its address, and its process. */
async function serve(name: string, more?: Readonly<Record<string, string>>): Promise<[string, ChildProcess]> {
  return serveFile(`examples/${name}.mjs`, more);
}

async function serveFile(file: string, more?: Readonly<Record<string, string>>): Promise<[string, ChildProcess]> {
  const child = spawn(process.execPath, [file], {
    cwd: root,
    env: environment(more),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return [line.replace('listening on ', ''), child];
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

it('cache-aside: one load for all who ask, in two processes; and an import', async () => {
  const [[first, child], [second]] = await Promise.all([serve('cache-aside'), serve('cache-aside')]);
  const ask = async (url: string): Promise<Record<string, unknown>> =>
    (await fetch(`${url}/products/1`)).json() as Promise<Record<string, unknown>>;
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index % 2 ? first : second)));
  for (const answer of answers) expect(answer).toEqual({ id: '1', name: 'Product 1', load: 1 });
  const imported = await fetch(`${second}/import`, { method: 'POST' });
  expect(await imported.json()).toEqual({ invalidated: true });
  // Whoever loads now: it is not the old answer. One of the two processes has loaded once, the other never.
  const [one, other] = [await ask(first), await ask(second)];
  expect(one).toEqual(other);
  const beforeSecondImport = one.load;
  await fetch(`${second}/import`, { method: 'POST' });
  expect((await ask(first)).load).toBe((beforeSecondImport as number) + 1);
  expect((await fetch(`${first}/elsewhere`)).status).toBe(404);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
});

it('rate-limiter: so many requests, counted for two processes', async () => {
  const more = { LIMIT: '6' };
  const urls = (await Promise.all([serve('rate-limiter', more), serve('rate-limiter', more)])).map(([url]) => url);
  const statuses: number[] = [];
  // A minute may end meanwhile, and the count begin anew; not twice.
  for (let request = 0; request < 20; ++request) {
    const response = await fetch(urls[request % 2] as string);
    statuses.push(response.status);
    expect(response.headers.get('ratelimit-limit')).toBe('6');
    if (response.status === 429) expect(response.headers.get('retry-after')).toBe('60');
  }
  expect(statuses.slice(0, 6)).toEqual(Array(6).fill(200));
  const welcome = statuses.filter((status) => status === 200).length;
  expect([6, 7, 8, 9, 10, 11, 12]).toContain(welcome);
  for (const server of servers()) await server.kill();
  expect((await fetch(urls[0] as string)).status).toBe(200);
  for (const server of servers()) await server.restart();
});

it('sessions: who logged in at one process is known to the other', async () => {
  const urls = (await Promise.all([serve('sessions'), serve('sessions')])).map(([url]) => url);
  let cookie = '';
  const ask = async (index: number, path: string, method = 'GET'): Promise<string> => {
    const response = await fetch(`${urls[index] as string}${path}`, { method, headers: { cookie } });
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    return response.text();
  };
  expect(await ask(0, '/')).toBe('Who are you?\n');
  expect(await ask(0, '/login/Ada', 'POST')).toBe('Welcome, Ada.\n');
  expect(await ask(1, '/')).toBe('Hello Ada, this is visit no. 1.\n');
  expect(await ask(0, '/')).toBe('Hello Ada, this is visit no. 2.\n');
  expect(await ask(1, '/logout', 'POST')).toBe('Bye.\n');
  expect(await ask(0, '/')).toBe('Who are you?\n');
});

it('worker-threads: what one has counted, no other counts', async () => {
  const run = async (): Promise<string> => {
    const options = { cwd: root, env: environment() };
    return (await promisify(execFile)(process.execPath, ['examples/worker-threads.mjs'], options)).stdout;
  };
  expect(await run()).toBe('40 texts, 220 words; counted 10 of the texts\n');
  expect(await run()).toBe('40 texts, 220 words; counted 0 of the texts\n');
});

it('nestjs: what one process has cached the other has', async () => {
  const source = readFileSync(join(root, 'examples/nestjs.mts'), 'utf8');
  // Inside the package, where 'libmemcached' means this one; in a folder that no tool looks into.
  mkdirSync(join(root, 'build'), { recursive: true });
  const folder = mkdtempSync(join(root, 'build/examples-'));
  const file = join(folder, 'nestjs.mjs');
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText);
  const urls = (await Promise.all([serveFile(file), serveFile(file)])).map(([url]) => url) as [string, string];
  const ask = async (url: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`${url}/products/1`, { method })).json();
  expect(await ask(urls[0])).toMatchObject({ id: '1', load: 1 });
  // Nest stores what it has answered already.
  let made: unknown;
  await until(async () => isDeepStrictEqual((made = await ask(urls[0])), await ask(urls[1])));
  expect(await ask(urls[1])).toEqual(made);
  expect(await ask(urls[1], 'DELETE')).toEqual({ forgotten: true });
  expect(await ask(urls[0])).not.toEqual(made);
  rmSync(folder, { recursive: true });
});
