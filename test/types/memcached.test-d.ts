// The drop-in for memcached: programs that compile with @types/memcached compile with it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import Memcached from 'libmemcached/memcached';
import type Theirs from 'memcached';

// Whoever wants theirs takes ours, and so do their options and their locations.
expectTypeOf<Theirs.options>().toExtend<Memcached.options>();
expectTypeOf<Theirs.Location>().toExtend<Memcached.Location>();
expectTypeOf<Theirs.EventNames>().toExtend<Memcached.EventNames>();
expectTypeOf<Memcached.IssueData['server']>().toEqualTypeOf<string>();
const client = new Memcached({ 'localhost:11211': 1 }, { retries: 1, namespace: 'ns:' });
client.set('a', { b: 1 }, 10, function (error, result) {
  expectTypeOf(result).toEqualTypeOf<boolean>();
  expectTypeOf(this).toEqualTypeOf<Memcached.CommandData>();
});
client.getMulti(['a'], function (_error, values) {
  expectTypeOf(this).toEqualTypeOf<undefined>();
  expectTypeOf(values).toExtend<Record<string, unknown>>();
});
client.gets('a', (_error, { cas }) => {
  client.cas('a', 1, cas, 10, () => undefined);
});
// @ts-expect-error an option that does not exist
new Memcached('localhost', { retires: 1 });
// @ts-expect-error a callback that is none
client.get('a', 'callback');
