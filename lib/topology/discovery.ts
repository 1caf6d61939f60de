/**
 * The option `autoDiscovery`: asks a configuration endpoint for the servers, at the first use and at intervals.
 *
 *     nothing asked ──begin()──▶ asking ──a list──▶ known ──interval──▶ asking, with the list in use
 *           ▲                      │ none                                  │ none: the list stays
 *           └── a second later ── failed: what waits fails
 */

import { ConnectionError } from '../errors';
import { serverName, type ServerAddress } from '../options/servers';
import type { TlsOptions } from '../options/tls-options';
import { now, setImmediate } from '../timing';
import { WeakTimer } from '../weak-timer';
import { askConfiguration, type Configuration } from './configuration-endpoint';

/** After an attempt that failed, in milliseconds. */
const retryMs = 1000;
/** libmemcached's ketama continuum has room for no more. */
const maxServers = 100;

export interface DiscoveryOptions {
  readonly endpoint: ServerAddress;
  readonly tls: TlsOptions | undefined;
  /** Between two questions, in milliseconds. */
  readonly interval: number;
  /** For one attempt, in milliseconds. */
  readonly timeout: number;
  /** Called with each other list. */
  onServers(servers: readonly ServerAddress[]): void;
  /** Called while no list is known: what waits for one has to fail. */
  onUnknown(error: ConnectionError): void;
  /** Called when the list that is known could not be checked, and stays. */
  onFailure(error: ConnectionError): void;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #controller = new AbortController();
  readonly #timer = new WeakTimer<Discovery>(this, (discovery) => {
    void discovery.#ask();
  });
  #known: Configuration | undefined;
  /** Settles with the attempt that is under way. */
  #attempt: Promise<void> | undefined;
  #failure: ConnectionError | undefined;
  #failedAt = -Infinity;
  #isFailing = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** Somebody waits for the list. */
  begin(): void {
    if (this.#known !== undefined || this.#attempt !== undefined) return;
    if (now() - this.#failedAt >= retryMs) void this.#ask();
    else this.#failSoon();
  }

  /** Resolves when the list is known; rejects with a ConnectionError if it cannot be had. */
  async known(): Promise<void> {
    this.begin();
    await this.#attempt;
    if (this.#known === undefined) throw this.#failure ?? this.#toError(new Error('the client is closed'));
  }

  stop(): void {
    this.#timer.clear();
    this.#controller.abort();
  }

  #ask(): Promise<void> {
    const { endpoint, tls, timeout } = this.#options;
    const { signal } = this.#controller;
    const isUrgent = this.#known === undefined;
    this.#attempt = askConfiguration({ endpoint, tls, timeout, isUrgent, signal })
      .then((configuration) => {
        this.#take(configuration);
      })
      .catch((error: unknown) => {
        this.#fail(error);
      })
      .finally(() => {
        this.#attempt = undefined;
      });
    return this.#attempt;
  }

  /** @throws Error if it is not to be used */
  #take(configuration: Configuration): void {
    const { servers, version } = configuration;
    if (servers.length > maxServers)
      throw new Error(`it names ${String(servers.length)} servers; libmemcached takes at most ${String(maxServers)}`);
    // An endpoint of several machines may know of an older list for a while.
    if (this.#known === undefined || version > this.#known.version) {
      this.#options.onServers(servers);
      this.#known = configuration;
    }
    this.#timer.set(this.#options.interval);
  }

  #fail(reason: unknown): void {
    if (this.#controller.signal.aborted) return;
    const error = this.#toError(reason);
    if (this.#known === undefined) {
      this.#failure = error;
      this.#failedAt = now();
      this.#options.onUnknown(error);
    } else {
      this.#timer.set(Math.min(retryMs, this.#options.interval));
      this.#options.onFailure(error);
    }
  }

  /** What is called in this turn of the loop fails with what was found before. */
  #failSoon(): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    setImmediate(() => {
      this.#isFailing = false;
      if (this.#known === undefined && this.#attempt === undefined && this.#failure !== undefined)
        this.#options.onUnknown(this.#failure);
    });
  }

  #toError(reason: unknown): ConnectionError {
    const server = serverName(this.#options.endpoint);
    const message = reason instanceof Error ? reason.message : String(reason);
    return new ConnectionError(`discovery at ${server}: ${message}`, { server });
  }
}
