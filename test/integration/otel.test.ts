// libmemcached/otel, with the real OpenTelemetry SDK.

import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { MemcachedInstrumentation } from '@opentelemetry/instrumentation-memcached';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type HistogramMetricData,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { version } from '../../lib/index';
import Memcached from '../../lib/integrations/memcached';
import { LibmemcachedInstrumentation, type LibmemcachedInstrumentationConfig } from '../../lib/integrations/otel';
import { uniqueKey } from '../support/unique-keys';
import { startMemcached } from '../support/memcached-servers';
import { startRefusingPort } from '../support/fake-servers';
import { failure, useClients, useServers } from '../support/clients';

const connect = useClients();
const servers = useServers(2);

const spanExporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
let instrumentation: LibmemcachedInstrumentation | undefined;
let metricExporter: InMemoryMetricExporter;
let meterProvider: MeterProvider;

beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
beforeEach(() => {
  metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1_000_000 })],
  });
});
afterEach(async () => {
  instrumentation?.disable();
  spanExporter.reset();
  await meterProvider.shutdown();
});
afterAll(() => {
  context.disable();
  trace.disable();
  metrics.disable();
});

function instrument(config: LibmemcachedInstrumentationConfig = {}): void {
  instrumentation = new LibmemcachedInstrumentation({ tracerProvider, meterProvider, ...config });
}

function spansOf(isConnect: boolean): ReadableSpan[] {
  return spanExporter.getFinishedSpans().filter(({ name }) => name.startsWith('connect ') === isConnect);
}

function onlySpan(): ReadableSpan {
  const spans = spansOf(false);
  expect(spans).toHaveLength(1);
  return spans[0] as ReadableSpan;
}

async function duration(): Promise<HistogramMetricData> {
  await meterProvider.forceFlush();
  return histogram('db.client.operation.duration');
}

async function histogram(name: string): Promise<HistogramMetricData> {
  await meterProvider.forceFlush();
  const exported = metricExporter
    .getMetrics()
    .at(-1)
    ?.scopeMetrics.flatMap((scope) => scope.metrics);
  const found = exported?.filter((metric) => metric.descriptor.name === name);
  expect(found).toHaveLength(1);
  return found?.[0] as HistogramMetricData;
}

test('a span for an operation, with the attributes of the conventions', async () => {
  instrument();
  const mc = connect(servers());
  const key = uniqueKey('secret');
  const server = mc.serverFor(key);
  const [host, port] = server.split(':');
  await mc.set(key, 1);
  const span = onlySpan();
  expect(span.name).toBe(`set ${server}`);
  expect(span.kind).toBe(SpanKind.CLIENT);
  expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(span.attributes).toEqual({
    'db.system.name': 'memcached',
    'db.operation.name': 'set',
    'server.address': host,
    'server.port': Number(port),
  });
  expect(span.instrumentationScope).toMatchObject({ name: 'libmemcached', version });
  expect(span.events).toEqual([]);
});

test('attempts to connect: a span and db.client.connection.create_time', async () => {
  instrument();
  const own = await startMemcached();
  const refusing = await startRefusingPort();
  await connect(own).get(uniqueKey());
  await failure(connect(refusing).get(uniqueKey()));
  const spans = spansOf(true);
  expect(spans.map(({ name, kind, attributes }) => ({ name, kind, attributes }))).toEqual(
    [own, refusing].map(({ address, host, port }) => ({
      name: `connect ${address}`,
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'memcached',
        'db.operation.name': 'connect',
        'server.address': host,
        'server.port': port,
        ...(address === refusing.address ? { 'error.type': 'ConnectionError' } : {}),
      },
    })),
  );
  const { descriptor, dataPoints } = await histogram('db.client.connection.create_time');
  expect(descriptor.unit).toBe('s');
  expect(dataPoints.map(({ attributes, value }) => [attributes, value.count])).toEqual([
    [{ 'db.client.connection.pool.name': own.address }, 1],
    [{ 'db.client.connection.pool.name': refusing.address, 'error.type': 'ConnectionError' }, 1],
  ]);
  await own.stop();
});

test('a Unix socket is an address without a port', async () => {
  const server = await startMemcached({ transport: 'unix' });
  instrument();
  await connect(server).get(uniqueKey());
  expect(onlySpan().attributes).toMatchObject({ 'server.address': server.address });
  expect(onlySpan().attributes).not.toHaveProperty('server.port');
});

test('multis are batches, of one key they are not', async () => {
  instrument();
  const mc = connect(servers());
  await mc.getMulti([uniqueKey(), uniqueKey(), uniqueKey()]);
  expect(onlySpan().name).toBe('BATCH get');
  expect(onlySpan().attributes).toEqual({
    'db.system.name': 'memcached',
    'db.operation.name': 'BATCH get',
    'db.operation.batch.size': 3,
  });
  spanExporter.reset();
  await mc.getMulti([uniqueKey()]);
  expect(onlySpan().attributes).toEqual({ 'db.system.name': 'memcached', 'db.operation.name': 'get' });
});

test('it is a child of what was active when it was called', async () => {
  instrument({ requireParentSpan: true });
  const mc = connect(servers());
  const tracer = tracerProvider.getTracer('test');
  await mc.get(uniqueKey());
  expect(spansOf(false)).toHaveLength(0);
  const parent = tracer.startSpan('parent');
  await context.with(trace.setSpan(context.active(), parent), () => mc.get(uniqueKey()));
  expect(onlySpan().parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  const [point] = (await duration()).dataPoints.filter(({ attributes }) => attributes['db.operation.name'] === 'get');
  expect(point).toBeDefined();
});

describe('an error', () => {
  test('has its type, and says no key', async () => {
    instrument();
    const mc = connect(servers());
    const key = uniqueKey('secret');
    await failure(mc.incr(key));
    const span = onlySpan();
    expect(span.attributes['error.type']).toBe('NotFound');
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'NotFound' });
    const { attributes, events, name, status } = span;
    expect(JSON.stringify({ attributes, events, name, status })).not.toContain(key);
  });

  test('of a multi that resolves all the same', async () => {
    const server = await startMemcached();
    const mc = connect(server, { timeout: 500, failSoft: true });
    await server.stop();
    instrument();
    await mc.setMulti({ a: 1, b: 2 });
    expect(onlySpan().status.code).toBe(SpanStatusCode.ERROR);
    expect(onlySpan().attributes['error.type']).toMatch(/^(ConnectionError|ServerDown)$/);
  });

  test('that is none: an AbortSignal may give any reason', async () => {
    instrument();
    const mc = connect(servers());
    const controller = new AbortController();
    const read = mc.get(uniqueKey(), undefined, { signal: controller.signal });
    controller.abort('no error');
    await expect(read).rejects.toBe('no error');
    expect(onlySpan().attributes['error.type']).toBe('_OTHER');
  });
});

test('keys, if they are wanted', async () => {
  instrument({ keys: true });
  const mc = connect(servers());
  const key = uniqueKey('public');
  await failure(mc.incr(key));
  expect(onlySpan().attributes['db.query.text']).toBe(`incr ${key}`);
  expect(onlySpan().status.message).toContain(key);
  expect(onlySpan().events).toMatchObject([{ name: 'exception' }]);
  spanExporter.reset();
  await mc.getMulti(['a', Buffer.from('b')]);
  expect(onlySpan().attributes['db.query.text']).toBe('get a b');
  spanExporter.reset();
  await mc.getMulti(Array.from({ length: 1000 }, () => uniqueKey()));
  expect(String(onlySpan().attributes['db.query.text'])).toHaveLength(1025);
});

test('the duration is a histogram in seconds, in the buckets that the conventions advise', async () => {
  instrument();
  const mc = connect(servers()[0] as { address: string });
  const [host, port] = (mc.servers[0] as string).split(':');
  for (let round = 0; round < 5; ++round) await mc.get(uniqueKey());
  await failure(mc.incr(uniqueKey()));
  await mc.getMulti([uniqueKey(), uniqueKey()]);
  const metric = await duration();
  expect(metric.descriptor).toMatchObject({ name: 'db.client.operation.duration', unit: 's' });
  const common = { 'db.system.name': 'memcached', 'server.address': host, 'server.port': Number(port) };
  expect(metric.dataPoints.map(({ attributes, value }) => ({ attributes, count: value.count }))).toEqual([
    { attributes: { ...common, 'db.operation.name': 'get' }, count: 5 },
    { attributes: { ...common, 'db.operation.name': 'incr', 'error.type': 'NotFound' }, count: 1 },
    { attributes: { ...common, 'db.operation.name': 'BATCH get' }, count: 1 },
  ]);
  const [reads] = metric.dataPoints;
  expect(reads?.value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
  // Less than a second each: it is not milliseconds that are recorded.
  expect(reads?.value.sum).toBeGreaterThan(0);
  expect(reads?.value.sum).toBeLessThan(5);
});

test('as registerInstrumentations wants it', async () => {
  instrumentation = new LibmemcachedInstrumentation({ enabled: false });
  const mc = connect(servers());
  await mc.get(uniqueKey());
  const unload = registerInstrumentations({ instrumentations: [instrumentation], tracerProvider, meterProvider });
  await mc.get(uniqueKey());
  expect(spansOf(false)).toHaveLength(1);
  expect((await duration()).dataPoints).toHaveLength(1);
  unload();
  await mc.get(uniqueKey());
  expect(spansOf(false)).toHaveLength(1);
});

test('the global providers, also if they come after the first operation', async () => {
  instrumentation = new LibmemcachedInstrumentation();
  const mc = connect(servers());
  await mc.get(uniqueKey());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  await mc.get(uniqueKey());
  expect(spansOf(false)).toHaveLength(1);
  expect((await duration()).dataPoints).toHaveLength(1);
});

it('observes the drop-in for the package memcached', async () => {
  instrument();
  const client = new Memcached(servers().map(({ address }) => address));
  await new Promise((resolve) => {
    client.set(uniqueKey(), 'value', 60, resolve);
  });
  client.end();
  const span = onlySpan();
  expect(span).toMatchObject({ name: expect.stringMatching(/^set 127\.0\.0\.1:/), kind: SpanKind.CLIENT });
  expect(span.attributes['db.system.name']).toBe('memcached');
});

it('and so does OpenTelemetry’s own instrumentation of that package', async () => {
  const foreign = new MemcachedInstrumentation();
  foreign.setTracerProvider(tracerProvider);
  const [definition] = foreign.getModuleDefinitions();
  definition?.patch?.(Memcached, '2.2.2');
  const client = new Memcached(servers().map(({ address }) => address));
  const key = uniqueKey();
  await new Promise((resolve) => {
    client.set(key, 'value', 60, resolve);
  });
  client.end();
  definition?.unpatch?.(Memcached, '2.2.2');
  const span = onlySpan();
  expect(span.name).toBe('memcached set');
  expect(span.attributes).toMatchObject({ 'db.memcached.key': key, 'db.operation.name': 'set' });
});
