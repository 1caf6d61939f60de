// The whole of @keyv/test-suite, with Keyv 5, for which it is written; over each protocol, and with a client that is
// shared. It is meant for vitest; what it uses of that, jest has as well.

import type { KeyvStoreAdapter } from 'keyv';
import { Keyv } from 'keyv';
import { Client } from '../../lib/index';
import { KeyvMemcached, type KeyvMemcachedOptions } from '../../lib/integrations/keyv';
import { startMemcached, stopAll } from '../support/memcached-servers';

type Test = (t: { expect: typeof expect }) => unknown;

type Suite = (test: unknown, keyv: typeof Keyv, store: () => KeyvStoreAdapter) => void;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- its types are vitest's
const { default: suite } = require('@keyv/test-suite') as { default: Suite };

const vitest = {
  beforeEach,
  afterEach,
  it: (name: string, test: Test) => {
    it(name, async () => {
      await test({ expect });
    });
  },
};

let address = '';
const adapters: KeyvMemcached[] = [];
beforeAll(async () => {
  address = (await startMemcached()).address;
});
afterEach(async () => {
  await Promise.all(adapters.splice(0).map((adapter) => adapter.disconnect()));
});
afterAll(stopAll);

function adapter(options: KeyvMemcachedOptions): KeyvStoreAdapter {
  const made = new KeyvMemcached(address, options);
  adapters.push(made);
  return made;
}

describe.each([true, false])('binary: %s', (binary) => {
  suite(vitest, Keyv, () => adapter({ binary }));
});

describe('one client for all', () => {
  let client: Client;
  beforeAll(() => {
    client = new Client(address);
  });
  afterAll(() => client.close());
  suite(vitest, Keyv, () => new KeyvMemcached(client));
});
