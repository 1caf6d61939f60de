// What the installed package is used against: two memcached servers, one with SASL, and one with TLS.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startMemcached } from '../soak/server.mjs';

const USER = 'alice';
const PASSWORD = 'correct horse';
const certificate = (name) => resolve('test/support/certificates', name);

/** `env` is what test/install's programs read. */
export async function startServers(folder) {
  writeFileSync(
    join(folder, 'memcached.conf'),
    `mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${folder}/sasldb\n`,
  );
  execFileSync('saslpasswd2', ['-p', '-c', '-a', 'memcached', '-f', `${folder}/sasldb`, USER], { input: PASSWORD });
  const plain = [await startMemcached(), await startMemcached()];
  const sasl = await startMemcached(['-S'], { SASL_CONF_PATH: folder });
  const files = `ssl_chain_cert=${certificate('server.pem')},ssl_key=${certificate('server.key')}`;
  const tls = await startMemcached(['-Z', '-o', files]);
  return {
    env: {
      SERVERS: plain.map(({ address }) => address).join(),
      SASL_SERVER: sasl.address,
      SASL_USER: USER,
      SASL_PASSWORD: PASSWORD,
      TLS_SERVER: tls.address,
      TLS_AUTHORITY: readFileSync(certificate('authority.pem'), 'utf8'),
    },
    stop: () => Promise.all([...plain, sasl, tls].map((server) => server.stop())),
  };
}
