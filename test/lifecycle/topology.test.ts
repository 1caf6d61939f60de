// Ends of clients whose sockets are Node's (TLS), and of those that discover their servers.

import type { ClientOptions } from '../../lib/index';
import { ConfigurationEndpoint } from '../support/configuration-endpoint';
import { expectEnd, run } from '../support/life-cycle-programs';
import { startMemcached, stopAll } from '../support/memcached-servers';

let secure: string;
let endpoint: ConfigurationEndpoint;
let secureEndpoint: ConfigurationEndpoint;
beforeAll(async () => {
  const [plain, withTls] = await Promise.all([startMemcached(), startMemcached({ tls: {} })]);
  secure = withTls.address;
  endpoint = await new ConfigurationEndpoint([plain], {}).start();
  secureEndpoint = await new ConfigurationEndpoint([withTls], { isTls: true }).start();
});
afterAll(async () => {
  await Promise.all([endpoint.stop(), secureEndpoint.stop(), stopAll()]);
});

const tls = { rejectUnauthorized: false };
const kinds: [name: string, servers: () => string, options: ClientOptions][] = [
  ['TLS, text', () => secure, { tls }],
  ['TLS, binary', () => secure, { tls, binary: true }],
  ['discovery', () => endpoint.address, { autoDiscovery: { interval: 100 } }],
  ['discovery with TLS', () => secureEndpoint.address, { autoDiscovery: { interval: 100 }, tls }],
];

describe.each(kinds)('%s', (_name, servers, options) => {
  it.each<[step: string, code: number, output: string[]]>([
    ['idle', 0, ['true']],
    ['pending', 0, ['2000']],
    ['exit', 3, []],
    ['exitAtOnce', 3, []],
    ['dropped', 0, ['collected']],
    ['terminated', 0, ['terminated']],
  ])('%s', async (step, code, output) => {
    const ended = await run('topology', [step, servers(), JSON.stringify(options)], { node: ['--expose-gc'] });
    expectEnd(ended, code, output);
  });
});
