// What a user's TypeScript does, compiled there with the package's types and run. See scripts/test-install.mjs.

import assert from 'node:assert/strict';
import { AuthenticationError, Client, buildInfo, type Key } from 'libmemcached';

interface User {
  name: string;
}

const { SERVERS = '', SASL_SERVER = '', SASL_USER: username = '', SASL_PASSWORD: password = '' } = process.env;

async function main(): Promise<void> {
  const mc = new Client(SERVERS.split(','));
  const user: User = { name: 'Ada' };
  await mc.set('ts', user, 60);
  const read: User | undefined = await mc.get<User>('ts');
  assert.deepEqual(read, user);
  assert.deepEqual(await mc.setMulti({ 'ts:1': 1, 'ts:2': 2 }), []);
  const found: Map<Key, unknown> = await mc.getMulti(['ts:1', 'ts:2', 'ts:none']);
  assert.deepEqual([...found.values()], [1, 2]);
  await mc.close();

  const sasl = new Client(SASL_SERVER, { username, password });
  await sasl.set('sasl', true);
  assert.equal(await sasl.get('sasl'), true);
  await sasl.close();
  const stranger = new Client(SASL_SERVER, { username, password: 'wrong' });
  await assert.rejects(stranger.get('sasl'), AuthenticationError);
  stranger.destroy();
  console.log(`ok: ${buildInfo()}`);
}

void main();
