/** What memcached 2.2.2 keeps for each server that failed: how often, since when, and when it is tried again. */

export interface IssueData {
  server: string;
  /** Port and host. */
  tokens: [string, string];
  messages: string[];
  /** Failures that are left before the server counts as dead. Not there once it does. */
  failures?: number | undefined;
  totalFailures?: number | undefined;
  totalReconnectsAttempted?: number | undefined;
  totalReconnectsSuccess?: number | undefined;
  totalReconnectsFailed?: number | undefined;
  /** Milliseconds. */
  totalDownTime?: number | undefined;
}

export interface IssueConfig {
  /** Failures until a server is dead. */
  failures: number;
  /** Milliseconds after which they are forgotten. */
  failuresTimeout: number;
  /** Milliseconds that a server which failed is left alone. */
  retry: number;
  /** Milliseconds between attempts to reach a dead server. */
  reconnect: number;
}

export interface IssueHandlers {
  issue(details: IssueData): void;
  /** The server is dead. */
  dead(details: IssueData): void;
  reconnecting(details: IssueData): void;
  reconnected(details: IssueData): void;
  /** Asks a dead server. */
  check(): Promise<unknown>;
}

export class IssueLog {
  readonly #server: string;
  readonly #config: IssueConfig;
  readonly #handlers: IssueHandlers;
  readonly #timers = new Set<NodeJS.Timeout>();
  #forgetting: NodeJS.Timeout | undefined;
  #messages: string[] = [];
  #failures: number;
  #totalFailures = 0;
  #reconnectsAttempted = 0;
  #reconnectsSucceeded = 0;
  #failed = false;

  constructor(server: string, config: IssueConfig, handlers: IssueHandlers) {
    this.#server = server;
    this.#config = config;
    this.#handlers = handlers;
    this.#failures = config.failures;
  }

  /** Whether the server is left alone now. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Records a failure. However many operations it takes with it, it is one. */
  log(message: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#messages.push(message);
    if (this.#failures === this.#config.failures)
      this.#forgetting = this.#after(this.#config.failuresTimeout, () => {
        this.#failures = this.#config.failures;
      });
    if (this.#failures > 0) {
      this.#after(this.#config.retry, () => {
        this.#totalFailures += 1;
        this.#failures -= 1;
        this.#failed = false;
      });
      this.#handlers.issue(this.#details());
      return;
    }
    this.#cancel(this.#forgetting);
    this.#handlers.dead(this.#details());
  }

  /** Asks the dead server until it answers. */
  reconnectLater(): void {
    this.#after(this.#config.reconnect, () => {
      this.#reconnectsAttempted += 1;
      this.#handlers.reconnecting(this.#details());
      this.#handlers.check().then(
        () => {
          this.#reconnected();
        },
        (error: unknown) => {
          this.#messages.push((error as Error).message);
          this.reconnectLater();
        },
      );
    });
  }

  /** Forgets its timers: the client ends. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #reconnected(): void {
    const details = this.#details();
    this.#reconnectsSucceeded += 1;
    this.#messages = [];
    this.#failures = this.#config.failures;
    this.#failed = false;
    this.#handlers.reconnected(details);
  }

  #details(): IssueData {
    const separator = this.#server.lastIndexOf(':');
    const about: IssueData = {
      server: this.#server,
      tokens: [this.#server.slice(separator + 1), this.#server.slice(0, Math.max(0, separator))],
      messages: this.#messages,
    };
    if (this.#failures > 0) return { ...about, failures: this.#failures, totalFailures: this.#totalFailures };
    const failed = this.#reconnectsAttempted - this.#reconnectsSucceeded;
    return {
      ...about,
      totalReconnectsAttempted: this.#reconnectsAttempted,
      totalReconnectsSuccess: this.#reconnectsSucceeded,
      totalReconnectsFailed: failed,
      totalDownTime: failed * this.#config.reconnect + this.#totalFailures * this.#config.retry,
    };
  }

  #after(milliseconds: number, run: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}
