/**
 * `libmemcached/otel`: OpenTelemetry spans and metrics for every operation, after the stable semantic conventions for
 * databases (https://opentelemetry.io/docs/specs/semconv/database/). A subscriber of the channel `libmemcached:command`;
 * it patches nothing. Needs @opentelemetry/api.
 */

import diagnostics from 'node:diagnostics_channel';

import * as api from '@opentelemetry/api';
import type { Attributes, Histogram, MeterProvider, Span, Tracer, TracerProvider } from '@opentelemetry/api';

import { version, type CommandContext } from '../index';

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
      throw new TypeError(`unknown option ${JSON.stringify(given)}; there are ${configNames.join(', ')}`);
  return { ...config };
}

/** Taken when the module is loaded: durations are real ones, whatever clock a test has put in its place. */
const now = performance.now.bind(performance);
const name = 'libmemcached';
/** The tracing channel of every operation. */
const channelName = 'libmemcached:command';
/** The conventions' advice for db.client.operation.duration, in seconds. */
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
  #duration: { histogram: Histogram; of: MeterProvider } | undefined;
  #enabled = false;
  readonly #running = new WeakMap<CommandContext, Running>();
  readonly #subscriber = {
    start: (command: CommandContext): void => {
      this.#start(command);
    },
    end: (): void => undefined,
    asyncStart: (): void => undefined,
    asyncEnd: (command: CommandContext): void => {
      this.#end(command);
    },
    error: (): void => undefined,
  };

  /** @throws TypeError for an unknown name */
  constructor(config: LibmemcachedInstrumentationConfig = {}) {
    this.#config = checkConfig(config);
    if (this.#config.enabled !== false) this.enable();
  }

  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    diagnostics.tracingChannel<unknown, CommandContext>(channelName).subscribe(this.#subscriber);
  }

  /** What is in flight at that moment is not recorded. */
  disable(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    diagnostics.tracingChannel<unknown, CommandContext>(channelName).unsubscribe(this.#subscriber);
  }

  setTracerProvider(tracerProvider: TracerProvider): void {
    this.#config = { ...this.#config, tracerProvider };
    this.#tracer = undefined;
  }

  setMeterProvider(meterProvider: MeterProvider): void {
    this.#config = { ...this.#config, meterProvider };
    this.#duration = undefined;
  }

  getConfig(): LibmemcachedInstrumentationConfig {
    return this.#config;
  }

  /** Replaces the configuration; `enabled` is not looked at. @throws TypeError for an unknown name */
  setConfig(config: LibmemcachedInstrumentationConfig): void {
    this.#config = checkConfig(config);
    this.#tracer = undefined;
    this.#duration = undefined;
  }

  #start(command: CommandContext): void {
    const attributes = attributesOf(command);
    const wanted = this.#config.requireParentSpan !== true || api.trace.getSpan(api.context.active()) !== undefined;
    const span = wanted ? this.#startSpan(command, attributes) : undefined;
    this.#running.set(command, { span, attributes, startedMs: now() });
  }

  #startSpan(command: CommandContext, common: Attributes): Span {
    this.#tracer ??= (this.#config.tracerProvider ?? api.trace).getTracer(name, version);
    const attributes = { ...common };
    const size = command.keys?.length;
    if (size !== undefined && size > 1) attributes['db.operation.batch.size'] = size;
    if (this.#config.keys === true) attributes['db.query.text'] = queryText(command);
    const operation = String(common['db.operation.name']);
    const spanName = command.server === undefined ? operation : `${operation} ${command.server}`;
    return this.#tracer.startSpan(spanName, { kind: api.SpanKind.CLIENT, attributes });
  }

  #end(command: CommandContext): void {
    const running = this.#running.get(command);
    if (running === undefined) return; // it began before we listened
    this.#running.delete(command);
    const { span, attributes, startedMs } = running;
    if (command.error !== undefined) {
      const type = errorType(command.error);
      attributes['error.type'] = type;
      span?.setAttribute('error.type', type);
      const says = this.#config.keys === true && command.error instanceof Error;
      span?.setStatus({ code: api.SpanStatusCode.ERROR, message: says ? (command.error as Error).message : type });
      if (says) span?.recordException(command.error as Error);
    }
    span?.end();
    this.#histogram().record((now() - startedMs) / 1000, attributes);
  }

  /** The global provider may be registered later than the first operation, and then has no memory of what it replaced. */
  #histogram(): Histogram {
    const provider = this.#config.meterProvider ?? api.metrics.getMeterProvider();
    if (this.#duration?.of !== provider) {
      const histogram = provider.getMeter(name, version).createHistogram('db.client.operation.duration', {
        description: 'Duration of database client operations.',
        unit: 's',
        valueType: api.ValueType.DOUBLE,
        advice: { explicitBucketBoundaries },
      });
      this.#duration = { histogram, of: provider };
    }
    return this.#duration.histogram;
  }
}

/** Those that spans and metrics share: few different values each. */
function attributesOf(command: CommandContext): Attributes {
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
