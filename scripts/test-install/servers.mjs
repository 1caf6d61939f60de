// What the installed package is used against: two memcached servers, and one with SASL.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startMemcached } from '../soak/server.mjs';

const USER = 'alice';
const PASSWORD = 'correct horse';

/** `env` is what test/install's programs read. */
export async function startServers(folder) {
  writeFileSync(
    join(folder, 'memcached.conf'),
    `mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${folder}/sasldb\n`,
  );
  execFileSync('saslpasswd2', ['-p', '-c', '-a', 'memcached', '-f', `${folder}/sasldb`, USER], { input: PASSWORD });
  const plain = [await startMemcached(), await startMemcached()];
  const sasl = await startMemcached(['-S'], { SASL_CONF_PATH: folder });
  return {
    env: {
      SERVERS: plain.map(({ address }) => address).join(),
      SASL_SERVER: sasl.address,
      SASL_USER: USER,
      SASL_PASSWORD: PASSWORD,
    },
    stop: () => Promise.all([...plain, sasl].map((server) => server.stop())),
  };
}
