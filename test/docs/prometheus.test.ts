// examples/prometheus.mjs, as it stands there: against real servers, asked as Prometheus asks.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { useServers } from '../support/clients';

const root = path.join(__dirname, '../..');
const servers = useServers(2);

test('the Prometheus example', async () => {
  const addresses = servers().map((server) => server.address);
  const child = spawn(process.execPath, ['examples/prometheus.mjs'], {
    cwd: root,
    env: { ...process.env, PORT: '0', MEMCACHED_SERVERS: addresses.join(',') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const url = line.replace('listening on ', '');
    expect(await (await fetch(url)).text()).toBe('visit no. 1\n');
    expect(await (await fetch(url)).text()).toBe('visit no. 2\n');
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n');
    // Every line is a comment or a sample, as the text format has it.
    for (const each of lines)
      expect(each).toMatch(/^$|^# (HELP|TYPE) \w+ \S|^\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+$/);
    const total = (start: string): number =>
      lines.filter((each) => each.startsWith(start)).reduce((sum, each) => sum + Number(each.split(' ').at(-1)), 0);
    const samples = (name: string, more = ''): number =>
      addresses.reduce((sum, server) => sum + total(`memcached_client_${name}{server="${server}"${more}`), 0);
    expect(samples('operations_total', ',operation="incr"')).toBe(2);
    expect(samples('operations_total')).toBe(3);
    expect(samples('batched_total')).toBe(3);
    expect(samples('state', ',state="up"')).toBe(2);
    expect(samples('state')).toBe(2);
    expect(samples('latency_seconds_count')).toBe(3);
    expect(samples('latency_seconds_bucket', ',le="+Inf"')).toBe(3);
    expect(lines).toContain('# TYPE memcached_client_latency_seconds histogram');
    expect(lines).toContain('# TYPE memcached_client_hits_total counter');
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});
