/**
 * TLS, by Node: opens the sockets that the native side's streams lie over, writes to them, and reports what happens to
 * them. JavaScript's side of native/binding/node_stream.h.
 */

import type { SecureContext, TLSSocket } from 'node:tls';
import type { NativeBehaviors } from '../addon/addon';
import { SocketEvent } from '../addon/record-layout';
import { nextTick } from '../timing';
import { loadTls, openSecureSocket } from './open-secure-socket';
import { RecordReader } from './record-reader';
import { describeTlsError } from './tls-errors';
import type { TlsOptions } from '../options/tls-options';

/** What of the native client is used here. */
export interface SocketOwner {
  /** `data`: of Data the bytes, of Written how many, of Closed what broke it, if anything. */
  reportSocket(id: number, event: SocketEvent, data?: Uint8Array | number | string): void;
  openSocket?: (id: number, host: string, port: number) => void;
  writeSocket?: (id: number, bytes: Buffer) => void;
  closeSocket?: (id: number) => void;
  getBehaviors(): NativeBehaviors;
}

/**
 * A record, decrypted, fits memcached's buffer of 16 KiB beside the start of a request that is there already: what does
 * not fit it leaves to OpenSSL, and forgets. See native/binding/node_stream.cc, which relies on it.
 */
const recordBytes = 12 * 1024;

/** Sockets of clients that were collected without having been destroyed. */
const orphans = new FinalizationRegistry<SecureSockets>((sockets) => {
  sockets.destroy();
});

export class SecureSockets {
  readonly #options: TlsOptions;
  readonly #context: SecureContext;
  readonly #sockets = new Map<number, TLSSocket>();
  /** The last session of each server: the next handshake resumes it, which spares a round trip and the certificates. */
  readonly #sessions = new Map<string, Buffer>();

  /** @throws TypeError that says what is wrong with a certificate or a key */
  constructor(options: TlsOptions) {
    this.#options = options;
    // Once for all connections: reading certificates takes longer than a handshake.
    try {
      this.#context = options.secureContext ?? loadTls().createSecureContext(options);
    } catch (error) {
      throw new TypeError(`tls: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  /** Serves `owner`, without keeping it from being collected. */
  attach(owner: SocketOwner): void {
    const weakOwner = new WeakRef(owner);
    const report = (id: number, event: SocketEvent, data?: Uint8Array | number | string): void => {
      weakOwner.deref()?.reportSocket(id, event, data);
    };
    owner.openSocket = (id, host, port) => {
      const behaviors = weakOwner.deref()?.getBehaviors();
      if (behaviors !== undefined) this.#open(id, host, port, behaviors, report);
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

  #open(id: number, host: string, port: number, behaviors: NativeBehaviors, report: SocketOwner['reportSocket']): void {
    const server = `${host}:${port}`;
    const session = this.#sessions.get(server);
    let socket: TLSSocket | undefined;
    const reader = new RecordReader((bytes) => {
      if (this.#sockets.get(id) === socket) report(id, SocketEvent.Data, bytes);
    });
    try {
      socket = openSecureSocket(host, port, {
        ...(session === undefined ? {} : { session }),
        ...this.#options,
        secureContext: this.#context,
        ...reader.options,
      });
    } catch (error) {
      const message = describeTlsError(error);
      nextTick(() => {
        report(id, SocketEvent.Closed, message);
      });
      return;
    }
    this.#sockets.set(id, socket);
    socket.setMaxSendFragment(recordBytes);
    socket.unref(); // pending operations keep the process alive, and nothing else
    socket.setNoDelay(behaviors.tcp_nodelay !== 0);
    if (behaviors.tcp_keepalive !== 0) socket.setKeepAlive(true, Number(behaviors.tcp_keepidle) * 1000);
    let isConnected = false;
    let failure: string | undefined;
    const closed = (): void => {
      reader.flush();
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
    socket.on('error', (error) => {
      failure = describeTlsError(error, isConnected);
      // A session that the server does not want any longer must not fail the next attempt, too.
      if (!isConnected) this.#sessions.delete(server);
    });
    socket.on('end', closed);
    socket.on('close', closed);
  }
}
