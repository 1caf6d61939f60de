// What a user's ES module does. Run by scripts/test-install.mjs, in a tree where the packed package is installed.

import assert from 'node:assert/strict';
import { AuthenticationError, Client, buildInfo } from 'libmemcached';

const { SERVERS, SASL_SERVER, SASL_USER: username, SASL_PASSWORD: password } = process.env;

const mc = new Client(SERVERS.split(','));
await mc.set('esm', ['ES', 'module'], 60);
assert.deepEqual(await mc.get('esm'), ['ES', 'module']);
const entries = new Map(Array.from({ length: 50 }, (_, index) => [`esm:${index}`, `value ${index}`]));
assert.deepEqual(await mc.setMulti(entries), []);
assert.deepEqual(await mc.getMulti([...entries.keys(), 'esm:none']), entries);
await mc.close();

const sasl = new Client(SASL_SERVER, { username, password });
await sasl.set('sasl', 1n);
assert.equal(await sasl.get('sasl'), 1n);
await sasl.close();
const stranger = new Client(SASL_SERVER, { username, password: 'wrong' });
await assert.rejects(stranger.get('sasl'), AuthenticationError);
stranger.destroy();
console.log(`ok: ${buildInfo()}`);
