// Everything else of the public face: errors, codecs, constants. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import * as lib from 'libmemcached';

// Errors.
const error = new lib.NotFound('message', { key: 'key', retcode: 16 });
expectTypeOf(error).toExtend<lib.MemcachedError>();
expectTypeOf(error).toExtend<Error>();
expectTypeOf(error.code).toEqualTypeOf<'ERR_MEMCACHED_NOT_FOUND'>();
expectTypeOf<lib.MemcachedError['code']>().toEqualTypeOf<string>();
expectTypeOf(error.retcode).toBeNumber();
expectTypeOf(error.operation).toEqualTypeOf<string | undefined>();
expectTypeOf(error.key).toEqualTypeOf<lib.Key | undefined>();
expectTypeOf(error.server).toEqualTypeOf<string | undefined>();
expectTypeOf(error.cause).toBeUnknown();
expectTypeOf(error.outcomeUnknown).toBeBoolean();
expectTypeOf<lib.DeserializationError['data']>().toEqualTypeOf<Uint8Array>();
expectTypeOf<lib.DeserializationError['flags']>().toBeNumber();
expectTypeOf(lib.CacheMiss).toBeConstructibleWith();
expectTypeOf<lib.PartialFailure['values']>().toEqualTypeOf<Map<lib.Key, unknown>>();
expectTypeOf<lib.PartialFailure['failedKeys']>().toEqualTypeOf<lib.Key[]>();
const caught: unknown = error;
if (caught instanceof lib.PartialFailure) expectTypeOf(caught.values).toExtend<Map<lib.Key, unknown>>();

// Codecs.
expectTypeOf(lib.codecs.pylibmc).toExtend<lib.Codec>();
expectTypeOf(lib.codecs.raw).toExtend<lib.Codec>();
expectTypeOf(lib.codecs.structured).toExtend<lib.Codec>();
expectTypeOf<lib.CodecName>().toEqualTypeOf<
  'pylibmc' | 'structured' | 'raw' | 'php' | 'dalli' | 'memcached' | 'memjs'
>();
expectTypeOf<(typeof lib.codecs)[lib.CodecName]>().toExtend<lib.Codec>();
expectTypeOf<lib.ClientOptions['codec']>().toEqualTypeOf<lib.CodecName | lib.Codec | undefined>();
new lib.Client('localhost', { codec: 'php' });
// @ts-expect-error no such codec
new lib.Client('localhost', { codec: 'ruby' });
const codec: lib.Codec = {
  serialize: (value) => {
    expectTypeOf(value).toBeUnknown();
    return [String(value), 0];
  },
  deserialize: (data, flags) => {
    expectTypeOf(data).toEqualTypeOf<Buffer>();
    expectTypeOf(flags).toBeNumber();
    return data;
  },
};
new lib.Client('localhost', { codec });
const compressing: lib.Codec = {
  ...codec,
  zlib: false,
  compress: (data, flags, level) => {
    expectTypeOf(data).toEqualTypeOf<Uint8Array>();
    expectTypeOf(flags).toBeNumber();
    expectTypeOf(level).toBeNumber();
    return undefined;
  },
};
new lib.Client('localhost', { codec: compressing });
// @ts-expect-error a codec reads as well
new lib.Client('localhost', { codec: { serialize: codec.serialize } });
// @ts-expect-error flags are needed
export const half: lib.Serialized = ['data'];

// Constants.
expectTypeOf(lib.version).toBeString();
expectTypeOf(lib.libmemcachedVersion).toBeString();
expectTypeOf(lib.supportSasl).toBeBoolean();
expectTypeOf(lib.supportCompression).toBeBoolean();
expectTypeOf(lib.buildInfo).toEqualTypeOf<() => string>();
expectTypeOf(lib.hashers).toEqualTypeOf<Readonly<Record<string, number>>>();
expectTypeOf(lib.distributions).toEqualTypeOf<Readonly<Record<string, number>>>();

// Options.
expectTypeOf<lib.ClientOptions['binary']>().toEqualTypeOf<boolean | undefined>();
expectTypeOf<lib.ClientOptions['behaviors']>().toEqualTypeOf<Partial<lib.Behaviors> | undefined>();
expectTypeOf<Required<lib.CallOptions>>().toExtend<{ timeout: number | undefined; signal: AbortSignal | undefined }>();
expectTypeOf<lib.StoreOptions>().toExtend<lib.CallOptions>();
expectTypeOf<lib.CounterOptions>().toExtend<lib.CallOptions>();
expectTypeOf<lib.MultiOptions>().toExtend<lib.CallOptions>();
expectTypeOf<lib.Behaviors['hash']>().toEqualTypeOf<lib.Hasher>();
expectTypeOf<lib.Behaviors['distribution']>().toEqualTypeOf<lib.Distribution>();
expectTypeOf<lib.BehaviorName>().toEqualTypeOf<keyof lib.Behaviors>();
