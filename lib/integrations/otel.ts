/**
 * `libmemcached/otel`: OpenTelemetry spans and metrics for every operation, after the stable semantic conventions for
 * databases (https://opentelemetry.io/docs/specs/semconv/database/), and for every attempt to connect. A subscriber of the
 * channels `libmemcached:command` and `libmemcached:connect`; it patches nothing. Needs @opentelemetry/api.
 */

import diagnostics from 'node:diagnostics_channel';

import * as api from '@opentelemetry/api';
import type { Attributes, Histogram, MeterProvider, Span, Tracer, TracerProvider } from '@opentelemetry/api';

import { version, type CommandContext, type ConnectContext } from '../index';

export interface LibmemcachedInstrumentationConfig {
  /** Begin at once. Default true. */
  enabled?: boolean;
  /**
   * Say keys: in `db.query.text`, and in the messages of errors, which may also quote what was stored. Default false: they
   * may be personal data.
   */
  keys?: boolean | undefined;
  /** No spans for operations outside of any other span. Metrics are recorded all the same. Default false. */
  requireParentSpan?: boolean | undefined;
  /** Default: the global one. */
  tracerProvider?: TracerProvider | undefined;
  /** Default: the global one. */
  meterProvider?: MeterProvider | undefined;
}

const configNames = [
  'enabled',
  'keys',
  'requireParentSpan',
  'tracerProvider',
  'meterProvider',
] as const satisfies (keyof LibmemcachedInstrumentationConfig)[];

/** A copy. @throws TypeError for an unknown name */
function checkConfig(config: LibmemcachedInstrumentationConfig): LibmemcachedInstrumentationConfig {
  for (const given of Object.keys(config))
    if (!(configNames as readonly string[]).includes(given))
      throw new TypeError(`unknown option ${JSON.stringify(given)}; valid options: ${configNames.join(', ')}`);
  return { ...config };
}

/** Taken when the module is loaded: durations are real ones, whatever clock a test has put in its place. */
const now = performance.now.bind(performance);
const name = 'libmemcached';
/** The conventions' advice for both histograms, in seconds. */
const explicitBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const maxQueryTextLength = 1024;

interface Running {
  span: Span | undefined;
  startedMs: number;
  attributes: Attributes;
}

/**
 * Records a client span and `db.client.operation.duration` for every operation of every client in this process. Give it to
 * `registerInstrumentations` or a NodeSDK, or just make one.
 */
export class LibmemcachedInstrumentation {
  readonly instrumentationName = name;
  readonly instrumentationVersion = version;
  #config: LibmemcachedInstrumentationConfig;
  #tracer: Tracer | undefined;
  #histograms: { duration: Histogram; createTime: Histogram; of: MeterProvider } | undefined;
  #enabled = false;
  readonly #running = new WeakMap<CommandContext | ConnectContext, Running>();
  readonly #commands = toSubscriber<CommandContext>(
    (command) => {
      this.#start(command, attributesOf(command), (common) => this.#startSpan(command, common));
    },
    (command) => {
      this.#end(command, (histograms, seconds, attributes) => {
        histograms.duration.record(seconds, attributes);
      });
    },
  );
  readonly #connects = toSubscriber<ConnectContext>(
    (connection) => {
      const attributes = attributesOf({ ...connection, operation: 'connect' });
      this.#start(connection, attributes, (common) => this.#startNamed('connect', connection.server, common));
    },
    (connection) => {
      this.#end(connection, (histograms, seconds, { 'error.type': type }) => {
        const pool = { 'db.client.connection.pool.name': connection.server };
        histograms.createTime.record(seconds, type === undefined ? pool : { ...pool, 'error.type': type });
      });
    },
  );

  /** @throws TypeError for an unknown name */
  constructor(config: LibmemcachedInstrumentationConfig = {}) {
    this.#config = checkConfig(config);
    if (this.#config.enabled !== false) this.enable();
  }

  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    commands.subscribe(this.#commands);
    connects.subscribe(this.#connects);
  }

  /** What is in flight at that moment is not recorded. */
  disable(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    commands.unsubscribe(this.#commands);
    connects.unsubscribe(this.#connects);
  }

  setTracerProvider(tracerProvider: TracerProvider): void {
    this.#config = { ...this.#config, tracerProvider };
    this.#tracer = undefined;
  }

  setMeterProvider(meterProvider: MeterProvider): void {
    this.#config = { ...this.#config, meterProvider };
    this.#histograms = undefined;
  }

  getConfig(): LibmemcachedInstrumentationConfig {
    return this.#config;
  }

  /** Replaces the configuration; `enabled` is not looked at. @throws TypeError for an unknown name */
  setConfig(config: LibmemcachedInstrumentationConfig): void {
    this.#config = checkConfig(config);
    this.#tracer = undefined;
    this.#histograms = undefined;
  }

  #start(of: CommandContext | ConnectContext, attributes: Attributes, startSpan: (common: Attributes) => Span): void {
    const wanted = this.#config.requireParentSpan !== true || api.trace.getSpan(api.context.active()) !== undefined;
    this.#running.set(of, { span: wanted ? startSpan(attributes) : undefined, attributes, startedMs: now() });
  }

  #startSpan(command: CommandContext, common: Attributes): Span {
    const attributes = { ...common };
    const size = command.keys?.length;
    if (size !== undefined && size > 1) attributes['db.operation.batch.size'] = size;
    if (this.#config.keys === true) attributes['db.query.text'] = queryText(command);
    return this.#startNamed(String(common['db.operation.name']), command.server, attributes);
  }

  #startNamed(operation: string, server: string | undefined, attributes: Attributes): Span {
    this.#tracer ??= (this.#config.tracerProvider ?? api.trace).getTracer(name, version);
    const spanName = server === undefined ? operation : `${operation} ${server}`;
    return this.#tracer.startSpan(spanName, { kind: api.SpanKind.CLIENT, attributes: { ...attributes } });
  }

  #end(
    of: CommandContext | ConnectContext,
    record: (
      histograms: { duration: Histogram; createTime: Histogram },
      seconds: number,
      attributes: Attributes,
    ) => void,
  ): void {
    const running = this.#running.get(of);
    if (running === undefined) return; // it began before we listened
    this.#running.delete(of);
    const { span, attributes, startedMs } = running;
    if (of.error !== undefined) {
      const type = errorType(of.error);
      attributes['error.type'] = type;
      span?.setAttribute('error.type', type);
      const says = this.#config.keys === true && of.error instanceof Error;
      span?.setStatus({ code: api.SpanStatusCode.ERROR, message: says ? (of.error as Error).message : type });
      if (says) span?.recordException(of.error as Error);
    }
    span?.end();
    record(this.#instruments(), (now() - startedMs) / 1000, attributes);
  }

  /** The global provider may be registered later than the first operation, and then has no memory of what it replaced. */
  #instruments(): { duration: Histogram; createTime: Histogram } {
    const provider = this.#config.meterProvider ?? api.metrics.getMeterProvider();
    if (this.#histograms?.of !== provider) {
      const meter = provider.getMeter(name, version);
      const make = (metric: string, description: string): Histogram =>
        meter.createHistogram(metric, {
          description,
          unit: 's',
          valueType: api.ValueType.DOUBLE,
          advice: { explicitBucketBoundaries },
        });
      this.#histograms = {
        duration: make('db.client.operation.duration', 'Duration of database client operations.'),
        createTime: make('db.client.connection.create_time', 'The time it took to create a new connection.'),
        of: provider,
      };
    }
    return this.#histograms;
  }
}

const commands = diagnostics.tracingChannel<unknown, CommandContext>('libmemcached:command');
const connects = diagnostics.tracingChannel<unknown, ConnectContext>('libmemcached:connect');

interface Subscriber<Context> {
  start: (context: Context) => void;
  end: () => void;
  asyncStart: () => void;
  asyncEnd: (context: Context) => void;
  error: () => void;
}

function toSubscriber<Context>(
  start: (context: Context) => void,
  asyncEnd: (context: Context) => void,
): Subscriber<Context> {
  const ignore = (): void => undefined;
  return { start, end: ignore, asyncStart: ignore, asyncEnd, error: ignore };
}

/** Those that spans and metrics share: few different values each. */
function attributesOf(
  command: Pick<CommandContext, 'keys' | 'serverAddress' | 'serverPort'> & { operation: string },
): Attributes {
  const isBatch = command.keys !== undefined && command.keys.length > 1;
  const attributes: Attributes = {
    'db.system.name': 'memcached',
    'db.operation.name': isBatch ? `BATCH ${command.operation}` : command.operation,
  };
  if (command.serverAddress !== undefined) attributes['server.address'] = command.serverAddress;
  if (command.serverPort !== undefined) attributes['server.port'] = command.serverPort;
  return attributes;
}

/** The error's name, `TimeoutError` for one; what is no error (an AbortSignal's reason may be anything) is `_OTHER`. */
function errorType(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '_OTHER';
}

function queryText(command: CommandContext): string {
  const keys = command.keys ?? (command.key === undefined ? [] : [command.key]);
  let text: string = command.operation;
  for (const key of keys) {
    text += ` ${typeof key === 'string' ? key : Buffer.from(key).toString('latin1')}`;
    if (text.length > maxQueryTextLength) return `${text.slice(0, maxQueryTextLength)}…`;
  }
  return text;
}
