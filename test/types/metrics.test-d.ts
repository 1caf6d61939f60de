// mc.metrics(), as users see it. Compiled, never run.

import { expectTypeOf } from 'expect-type';
import { Client, type Latency, type ClientMetrics, type LatencyBucket, type ServerMetrics } from 'libmemcached';

const metrics = new Client('localhost').metrics();
expectTypeOf(metrics).toEqualTypeOf<ClientMetrics>();
expectTypeOf(metrics.pending).toEqualTypeOf<number>();
expectTypeOf(metrics.servers).toEqualTypeOf<ServerMetrics[]>();

const server = metrics.servers[0] as ServerMetrics;
expectTypeOf(server.state).toEqualTypeOf<'up' | 'down' | 'probing' | 'dead'>();
expectTypeOf(server.operationsByName.incr).toEqualTypeOf<number>();
// @ts-expect-error no such operation
expectTypeOf(server.operationsByName.increment);
expectTypeOf(server.bytesReceived).toEqualTypeOf<number>();
expectTypeOf(server.bytesSent).toEqualTypeOf<number>();
expectTypeOf(server.errorsByKind).toEqualTypeOf<Record<string, number>>();
expectTypeOf(server.latency).toEqualTypeOf<Latency>();
expectTypeOf(server.latency.percentile(99.99)).toEqualTypeOf<number>();
expectTypeOf(server.latency.buckets).toEqualTypeOf<readonly LatencyBucket[]>();
