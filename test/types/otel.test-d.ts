// libmemcached/otel, as users see it. Compiled, never run.

import type { Instrumentation } from '@opentelemetry/instrumentation';
import { expectTypeOf } from 'expect-type';
import type { CommandContext, Key, OperationName } from 'libmemcached';
import { LibmemcachedInstrumentation, type LibmemcachedInstrumentationConfig } from 'libmemcached/otel';

const instrumentation = new LibmemcachedInstrumentation({ keys: true, requireParentSpan: true, enabled: false });
expectTypeOf(instrumentation).toExtend<Instrumentation>();
expectTypeOf(instrumentation.getConfig()).toEqualTypeOf<LibmemcachedInstrumentationConfig>();
expectTypeOf<typeof LibmemcachedInstrumentation>().toBeConstructibleWith();
// @ts-expect-error keys are wanted or not
new LibmemcachedInstrumentation({ keys: 'some' });

expectTypeOf<CommandContext['operation']>().toEqualTypeOf<OperationName>();
expectTypeOf<CommandContext['key']>().toEqualTypeOf<Key | undefined>();
expectTypeOf<CommandContext['keys']>().toEqualTypeOf<readonly Key[] | undefined>();
