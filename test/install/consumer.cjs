// What a user's CommonJS module does. Run by scripts/test-install.mjs, in a tree where the packed package is installed.
'use strict';

const assert = require('node:assert/strict');
const { Client, AuthenticationError, buildInfo } = require('libmemcached');

const { SERVERS, SASL_SERVER, SASL_USER: username, SASL_PASSWORD: password } = process.env;

async function main() {
  const mc = new Client(SERVERS.split(','));
  await mc.set('cjs', { from: 'CommonJS' }, 60);
  assert.deepEqual(await mc.get('cjs'), { from: 'CommonJS' });
  const entries = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`cjs:${index}`, index]));
  assert.deepEqual(await mc.setMulti(entries), []);
  assert.deepEqual(Object.fromEntries(await mc.getMulti([...Object.keys(entries), 'cjs:none'])), entries);
  // zlib comes along, too.
  const long = 'compressible '.repeat(1000);
  await mc.set('cjs:long', long, { minCompressLen: 100 });
  assert.equal(await mc.get('cjs:long'), long);
  await mc.close();

  const sasl = new Client(SASL_SERVER, { username, password });
  await sasl.set('sasl', 'yes');
  assert.equal(await sasl.get('sasl'), 'yes');
  await sasl.close();
  const stranger = new Client(SASL_SERVER, { username, password: 'wrong' });
  await assert.rejects(stranger.get('sasl'), AuthenticationError);
  stranger.destroy();

  // One addon instance and one set of classes behind both faces.
  const face = await import('libmemcached');
  assert.equal(face.Client, Client);
  assert.equal(face.AuthenticationError, AuthenticationError);
  console.log(`ok: ${buildInfo()}`);
}

main();
