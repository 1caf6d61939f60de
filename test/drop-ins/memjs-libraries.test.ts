// What is built on memjs, as it is, with libmemcached/memjs instead; and the way from it to libmemcached/keyv.

jest.mock('memjs', () => jest.requireActual<object>('../../lib/integrations/memjs'));

import KeyvMemcache from '@keyv/memcache';
import { Keyv } from 'keyv';

import { Client } from '../../lib/integrations/memjs';
import { useServers } from '../support/clients';
import { uniqueKey } from '../support/unique-keys';

const TheirClient = jest.requireActual<{ Client: typeof Client }>('memjs').Client;

const servers = useServers(2);
const list = (): string => servers().map(({ address }) => address).join(','); // prettier-ignore
const adapters: KeyvMemcache[] = [];
afterAll(() => {
  for (const { client } of adapters) client.close();
});

function connect(namespace: string, isTheirs: boolean): Keyv {
  const adapter = new KeyvMemcache(list());
  expect(adapter.client).toBeInstanceOf(Client);
  if (isTheirs) {
    adapter.client.close();
    adapter.client = TheirClient.create(list()) as never;
  }
  adapters.push(adapter);
  return new Keyv({ store: adapter, namespace });
}

it('@keyv/memcache has its data with both', async () => {
  const namespace = uniqueKey();
  const [theirs, ours] = [connect(namespace, true), connect(namespace, false)];
  const values = [1, 'text', { a: [1, null] }, Buffer.from('bytes')];
  for (const [index, value] of values.entries()) {
    await theirs.set(`theirs-${index}`, value, 60_000);
    await ours.set(`ours-${index}`, value, 60_000);
  }
  for (const keyv of [theirs, ours])
    for (const [index, value] of values.entries())
      expect([await keyv.get(`theirs-${index}`), await keyv.get(`ours-${index}`)]).toEqual([value, value]);
  expect([await ours.has('theirs-1'), await ours.has('missing')]).toEqual([true, false]);
  expect([await ours.delete('theirs-1'), await ours.delete('theirs-1')]).toEqual([true, false]);
  expect(await theirs.get('theirs-1')).toBeUndefined();
  await ours.clear();
  expect(await theirs.get('theirs-0')).toBeUndefined();
});
