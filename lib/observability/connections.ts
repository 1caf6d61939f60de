/** Tells of servers' states, and of connections that are opened: the diagnostics channel `libmemcached:connect`. */

import diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';

import { ServerEvent } from '../addon/record-layout';
import { ConnectionError } from '../errors';
import { nextTick } from '../timing';
import { serverStates, type ServerState } from './metrics';

/** The state of a server has changed; see docs/when-servers-fail.md. */
export interface StateChange {
  /** As `host:port` or path. */
  readonly server: string;
  readonly state: ServerState;
  readonly previous: ServerState;
  /** Of `down` and `dead`: why. */
  readonly error?: ConnectionError;
}

/** One attempt to connect: the same object from `start` to `asyncEnd`. */
export interface ConnectContext {
  /** As `host:port` or path. */
  readonly server: string;
  /** The server's host name, address or path. */
  readonly serverAddress: string;
  /** Undefined for Unix sockets. */
  readonly serverPort?: number | undefined;
  /** In `error` and after it: why there is no connection. */
  error?: unknown;
}

/** A `TracingChannel` of node:diagnostics_channel, whose messages are {@link ConnectContext}s. */
const connects = diagnostics.tracingChannel<unknown, ConnectContext>('libmemcached:connect');

interface NamedServers {
  name(id: number): string;
  address(id: number): { readonly host: string; readonly port: number } | undefined;
}

export class Connections {
  readonly #servers: NamedServers;
  readonly #events = new EventEmitter<{ state: [StateChange] }>();
  /** Those that are being opened, by the id of their server. */
  readonly #opening = new Map<number, ConnectContext>();

  constructor(servers: NamedServers) {
    this.#servers = servers;
  }

  get events(): EventEmitter<{ state: [StateChange] }> {
    return this.#events;
  }

  /** Takes what the native side reports. Listeners are called later: what they throw must not end a delivery. */
  report(event: ServerEvent, id: number, previous: number, state: number, reason: string): void {
    switch (event) {
      case ServerEvent.State:
        if (this.#events.listenerCount('state') > 0) {
          const change = this.#toChange(id, previous, state, reason);
          nextTick(() => this.#events.emit('state', change));
        }
        break;
      case ServerEvent.Connecting:
        this.#begin(id);
        break;
      case ServerEvent.Connected:
        this.#end(id);
        break;
      case ServerEvent.NotConnected:
        this.#end(id, this.#toError(id, reason));
        break;
    }
  }

  #toChange(id: number, previous: number, state: number, reason: string): StateChange {
    const change = {
      server: this.#servers.name(id),
      state: serverStates[state] ?? 'up',
      previous: serverStates[previous] ?? 'up',
    };
    const isFailure = change.state === 'down' || change.state === 'dead';
    return isFailure ? { ...change, error: this.#toError(id, reason) } : change;
  }

  #toError(id: number, reason: string): ConnectionError {
    const server = this.#servers.name(id);
    return new ConnectionError(`connect to ${server}: ${reason === '' ? 'connection failed' : reason}`, { server });
  }

  #begin(id: number): void {
    const { start, end, asyncEnd, error } = connects;
    if (!start.hasSubscribers && !asyncEnd.hasSubscribers && !error.hasSubscribers) return;
    const address = this.#servers.address(id);
    const context: ConnectContext = {
      server: this.#servers.name(id),
      serverAddress: address?.host ?? '',
      serverPort: address?.port === 0 ? undefined : address?.port,
    };
    this.#opening.set(id, context);
    start.publish(context);
    end.publish(context);
  }

  #end(id: number, failure?: ConnectionError): void {
    const context = this.#opening.get(id);
    if (context === undefined) return;
    this.#opening.delete(id);
    if (failure !== undefined) {
      context.error = failure;
      connects.error.publish(context);
    }
    connects.asyncStart.publish(context);
    connects.asyncEnd.publish(context);
  }
}
