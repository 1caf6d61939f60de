// twemproxy (Debian's nutcracker): a proxy that speaks only the text protocol and hangs up on anything else.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, onFreePort, ServerProcess, type Endpoint } from './child-processes';

export interface Nutcracker extends Endpoint {
  readonly address: string;
  readonly pid: number;
  readonly running: boolean;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** @param backends memcached servers that listen on TCP; ports serve for those on 127.0.0.1 */
export async function startNutcracker(backends: readonly (Endpoint | number)[]): Promise<Nutcracker> {
  const folder = mkdtempSync(join(tmpdir(), 'nutcracker-test-'));
  const config = join(folder, 'nutcracker.yml');
  const [server, port] = await onFreePort(HOST, async (port) => {
    writeFileSync(config, configuration(port, backends));
    const statsPort = String(await freePort(HOST));
    const args = ['-c', config, '-a', HOST, '-s', statsPort];
    return [await ServerProcess.start('nutcracker', args, { host: HOST, port }), port] as const;
  });
  return {
    host: HOST,
    port,
    address: `${HOST}:${String(port)}`,
    pid: server.pid,
    get running() {
      return server.running;
    },
    async stop() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port: number, backends: readonly (Endpoint | number)[]): string {
  const servers = backends.map((backend) => {
    const { host, port } = typeof backend === 'number' ? { host: HOST, port: backend } : backend;
    return `    - ${host}:${String(port)}:1\n`;
  });
  return `pool:
  listen: ${HOST}:${String(port)}
  hash: fnv1a_64
  distribution: ketama
  timeout: 2000
  auto_eject_hosts: false
  servers:
${servers.join('')}`;
}
