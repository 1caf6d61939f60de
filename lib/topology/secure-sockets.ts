/**
 * TLS, by Node: opens the sockets that the native side's streams lie over, writes to them, and reports what happens to
 * them. JavaScript's side of native/binding/node_stream.h.
 */

import { isIP } from 'node:net';
import { connect, createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import { SocketEvent } from '../addon/record-layout';
import { describeTlsError } from './tls-errors';

/** What of the native client is used here. */
export interface SocketOwner {
  /** `data`: of Data the bytes, of Written how many, of Closed what broke it, if anything. */
  reportSocket(id: number, event: SocketEvent, data?: Uint8Array | number | string): void;
  openSocket?: (id: number, host: string, port: number) => void;
  writeSocket?: (id: number, bytes: Buffer) => void;
  closeSocket?: (id: number) => void;
}

/** How sockets are set up; the behaviors in force decide. */
export interface SocketSettings {
  noDelay: boolean;
  keepAlive: boolean;
}

/** Sockets of clients that were collected without having been destroyed. */
const orphans = new FinalizationRegistry<SecureSockets>((sockets) => {
  sockets.destroy();
});

export class SecureSockets {
  readonly #options: ConnectionOptions;
  readonly #context: SecureContext;
  readonly #settings: () => SocketSettings;
  readonly #sockets = new Map<number, TLSSocket>();
  /** The last session of each server: the next handshake resumes it, which spares a round trip and the certificates. */
  readonly #sessions = new Map<string, Buffer>();

  /** @throws what is wrong with a certificate or a key */
  constructor(options: ConnectionOptions, settings: () => SocketSettings) {
    this.#options = options;
    this.#settings = settings;
    // Once for all connections: reading certificates takes longer than a handshake.
    this.#context = options.secureContext ?? createSecureContext(options);
  }

  /** Serves `owner`, without keeping it from being collected. */
  attach(owner: SocketOwner): void {
    const weakOwner = new WeakRef(owner);
    const report = (id: number, event: SocketEvent, data?: Uint8Array | number | string): void => {
      weakOwner.deref()?.reportSocket(id, event, data);
    };
    owner.openSocket = (id, host, port) => {
      this.#open(id, host, port, report);
    };
    owner.writeSocket = (id, bytes) => {
      const size = bytes.length;
      this.#sockets.get(id)?.write(bytes, () => {
        report(id, SocketEvent.Written, size);
      });
    };
    owner.closeSocket = (id) => {
      this.#sockets.get(id)?.destroy();
      this.#sockets.delete(id);
    };
    orphans.register(owner, this);
  }

  /** Closes all sockets; nothing is reported any longer. */
  destroy(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }

  #open(id: number, host: string, port: number, report: SocketOwner['reportSocket']): void {
    const server = `${host}:${port}`;
    const session = this.#sessions.get(server);
    let socket: TLSSocket;
    try {
      socket = connect({
        // A server that is addressed by its number has no name to be asked for.
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(session === undefined ? {} : { session }),
        ...this.#options,
        secureContext: this.#context,
        host,
        port,
      });
    } catch (error) {
      const message = describeTlsError(error);
      process.nextTick(() => {
        report(id, SocketEvent.Closed, message);
      });
      return;
    }
    this.#sockets.set(id, socket);
    socket.unref(); // pending operations keep the process alive, and nothing else
    const { noDelay, keepAlive } = this.#settings();
    socket.setNoDelay(noDelay);
    if (keepAlive) socket.setKeepAlive(true);
    let isConnected = false;
    let failure: string | undefined;
    const closed = (): void => {
      if (this.#sockets.get(id) !== socket) return;
      this.#sockets.delete(id);
      socket.destroy();
      report(id, SocketEvent.Closed, failure);
    };
    socket.on('secureConnect', () => {
      isConnected = true;
      report(id, SocketEvent.Connected);
    });
    socket.on('session', (ticket) => this.#sessions.set(server, ticket));
    socket.on('data', (bytes: Buffer) => {
      report(id, SocketEvent.Data, bytes);
    });
    socket.on('error', (error) => {
      failure = describeTlsError(error, isConnected);
      // A session that the server does not want any longer must not fail the next attempt, too.
      if (!isConnected) this.#sessions.delete(server);
    });
    socket.on('end', closed);
    socket.on('close', closed);
  }
}
