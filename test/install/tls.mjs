// TLS, which is Node's own: the certificate is checked, both protocols work over it. Run as workout.mjs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Client, ConnectionError } from 'libmemcached';

const { TLS_SERVER, TLS_AUTHORITY: ca } = process.env;

for (const binary of [false, true]) {
  const mc = new Client(TLS_SERVER, { binary, timeout: 10_000, tls: { ca } });
  const keys = Array.from({ length: 500 }, (_, index) => `tls:${index}`);
  await Promise.all(keys.map((key, index) => mc.set(key, index)));
  assert.deepEqual([...(await mc.getMulti(keys)).values()], [...keys.keys()]);
  const large = randomBytes(900_000);
  await mc.set('tls:large', large);
  assert.ok(large.equals(await mc.get('tls:large')));
  await mc.close();
}
const stranger = new Client(TLS_SERVER, { timeout: 10_000, tls: true });
await assert.rejects(stranger.get('tls:0'), ConnectionError);
stranger.destroy();
console.log('ok: TLS in both protocols');
