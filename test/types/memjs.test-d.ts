// The drop-in for memjs: programs that compile with @types/memjs compile with it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import memjs, { Client, type ClientOptions, type InsertOptions, type ServerOptions } from 'libmemcached/memjs';
import type * as Theirs from 'memjs';

expectTypeOf<Theirs.ClientOptions>().toExtend<ClientOptions>();
expectTypeOf<Theirs.ServerOptions>().toExtend<ServerOptions>();
expectTypeOf<Theirs.InsertOptions>().toExtend<InsertOptions>();
const client = memjs.Client.create('localhost:11211', { expires: 600, timeout: 1 });
expectTypeOf(client.get('a')).resolves.toEqualTypeOf<{ value: Buffer | null; flags: Buffer | null }>();
expectTypeOf(client.set('a', 'b', { expires: 1 })).resolves.toEqualTypeOf<boolean>();
client.get('a', (error, value) => {
  expectTypeOf(error).toEqualTypeOf<Error | null>();
  expectTypeOf(value).toEqualTypeOf<Buffer | null>();
});
client.increment('a', 1, { initial: 0 }, (_error, _success, value) => {
  expectTypeOf(value).toEqualTypeOf<number | null | undefined>();
});
client.stats((_error, server, stats) => {
  expectTypeOf(server).toEqualTypeOf<string>();
  expectTypeOf(stats).toEqualTypeOf<Record<string, string> | null>();
});
const ofObjects = Client.create<object, object>('localhost', {
  serializer: {
    serialize: (_opcode, value, extras) => ({ value: JSON.stringify(value), extras }),
    deserialize: (_opcode, value, extras) => ({ value: JSON.parse(String(value)) as object, extras }),
  },
});
expectTypeOf(ofObjects.get('a')).resolves.toEqualTypeOf<{ value: object; flags: Buffer | null }>();
// @ts-expect-error an option that does not exist
Client.create('localhost', { retires: 1 });
// @ts-expect-error neither text nor bytes
void client.set('a', 5);
