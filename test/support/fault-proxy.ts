// A TCP proxy in front of a real server that does to the connections what networks do. Every fault can be switched while
// it runs; bytes are late or missing, but never in another order.

import * as net from 'node:net';
import { connectTo, type Endpoint } from './child-processes';

/** What happens to the bytes of one direction. */
export interface Faults {
  /** Milliseconds between a byte's arrival and its leaving. */
  delay: number;
  /** Nothing leaves; what arrives meanwhile leaves when it is switched off. */
  hold: boolean;
  /** Bytes per second that leave; Infinity: as many as come. */
  rate: number;
  /** The largest piece that leaves at once: 1 is byte by byte. */
  piece: number;
  /** Each connection breaks after so many more bytes of this direction; Infinity: never. */
  cutAfter: number;
}

/**
 * What happens to new connections: they are served; broken at once; accepted, and nothing more; or they wait until `gather`
 * of them have come, and are then served in reverse order.
 */
export type Welcome = 'serve' | 'slam' | 'ignore' | 'reorder';

const HOST = '127.0.0.1';
const noFaults: Faults = { delay: 0, hold: false, rate: Infinity, piece: Infinity, cutAfter: Infinity };
/** So much is kept for a direction that is held or slow; then the sender is made to wait, as TCP does it. */
const WINDOW = 64 * 1024;

/** One direction of one connection. */
class Flow {
  readonly #from: net.Socket;
  readonly #to: net.Socket;
  readonly #faults: Faults;
  readonly #cut: () => void;
  #queue: { bytes: Buffer; due: number }[] = [];
  #kept = 0;
  #passed = 0;
  #timer: NodeJS.Timeout | undefined;
  #freeAt = 0;

  constructor(from: net.Socket, to: net.Socket, faults: Faults, cut: () => void, see: (bytes: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#cut = cut;
    from.on('data', (bytes: Buffer) => {
      see(bytes);
      this.#queue.push({ bytes, due: Date.now() + faults.delay });
      this.#kept += bytes.length;
      if (this.#kept > WINDOW) from.pause();
      this.pump();
    });
  }

  /** Lets leave what may leave now. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#faults.hold) {
      const first = this.#queue[0];
      if (first === undefined || this.#to.destroyed) return;
      const at = Math.max(first.due, this.#freeAt);
      if (at > Date.now()) {
        this.#timer = setTimeout(() => {
          this.pump();
        }, at - Date.now());
        return;
      }
      this.#pass(first);
      if (this.#passed >= this.#faults.cutAfter) {
        this.#cut();
        return;
      }
    }
  }

  #pass(first: { bytes: Buffer; due: number }): void {
    const { rate, piece, cutAfter } = this.#faults;
    // Slow lines send little at a time, not a second's worth each second.
    const tick = Math.max(1, Math.floor(rate / 50));
    const size = Math.min(first.bytes.length, piece, tick, cutAfter - this.#passed);
    this.#to.write(first.bytes.subarray(0, size));
    if (size === first.bytes.length) this.#queue.shift();
    else first.bytes = first.bytes.subarray(size);
    this.#passed += size;
    this.#kept -= size;
    if (this.#kept <= WINDOW) this.#from.resume();
    // Pieces leave a turn of the event loop apart, or the kernel would join them.
    const apart = piece === Infinity ? 0 : 1;
    this.#freeAt = Date.now() + Math.max(apart, rate === Infinity ? 0 : (size / rate) * 1000);
  }

  /** Counts `cutAfter` from here. */
  restart(): void {
    this.#passed = 0;
    this.pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }
}

class Pair {
  readonly #client: net.Socket;
  #server: net.Socket | undefined;
  #flows: Flow[] = [];

  constructor(client: net.Socket) {
    this.#client = client;
    client.setNoDelay(true);
    client.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  serve(target: Endpoint, faults: { requests: Faults; answers: Faults }, see: (bytes: Buffer) => void): void {
    if (!this.isOpen) return;
    const server = connectTo(target);
    const client = this.#client;
    this.#server = server;
    server.setNoDelay(true);
    server.on('error', () => undefined);
    const cut = (): void => {
      this.cut('reset');
    };
    this.#flows = [
      new Flow(client, server, faults.requests, cut, see),
      new Flow(server, client, faults.answers, cut, () => undefined),
    ];
    client.on('close', () => {
      this.#end(server);
    });
    server.on('close', () => {
      this.#end(client);
    });
  }

  #end(other: net.Socket): void {
    for (const flow of this.#flows) flow.stop();
    other.destroy();
  }

  changed(restart: boolean): void {
    for (const flow of this.#flows) {
      if (restart) flow.restart();
      else flow.pump();
    }
  }

  cut(how: 'reset' | 'close'): void {
    for (const socket of [this.#client, this.#server]) {
      // One that is being shut down libuv does not reset, and Node then never closes it: the process would not end.
      if (how === 'reset' && !socket?.writableEnded) socket?.resetAndDestroy();
      else socket?.destroy();
    }
  }
}

export class FaultProxy implements Endpoint {
  readonly host = HOST;
  /** Connections that clients have made. */
  accepted = 0;
  welcome: Welcome = 'serve';
  /** How many connections `reorder` waits for. */
  gather = 2;
  readonly #target: Endpoint;
  readonly #server: net.Server;
  readonly #pairs = new Set<Pair>();
  readonly #faults = { requests: { ...noFaults }, answers: { ...noFaults } };
  #waiting: Pair[] = [];
  #requests: Buffer[] = [];
  #port = 0;

  /** Use startFaultProxy(). */
  constructor(target: Endpoint) {
    this.#target = target;
    this.#server = net.createServer((socket) => {
      this.#accept(socket);
    });
    this.#server.unref();
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `${HOST}:${this.#port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return [...this.#pairs].filter((pair) => pair.isOpen).length;
  }

  /** Everything that clients have sent, over all connections, since the start or the last forget(). */
  get requests(): Buffer {
    return Buffer.concat(this.#requests);
  }

  /** Starts to count anew: connections and requests. */
  forget(): void {
    this.#requests = [];
    this.accepted = 0;
  }

  /** Switches faults of one direction; those that are not named stay. */
  set(direction: 'requests' | 'answers' | 'both', faults: Partial<Faults>): void {
    if (direction !== 'answers') Object.assign(this.#faults.requests, faults);
    if (direction !== 'requests') Object.assign(this.#faults.answers, faults);
    for (const pair of this.#pairs) pair.changed(faults.cutAfter !== undefined);
  }

  /** No faults any longer. */
  heal(): void {
    this.welcome = 'serve';
    this.#serveWaiting();
    this.set('both', noFaults);
  }

  /** Breaks the connections that are open. */
  cut(how: 'reset' | 'close' = 'reset'): void {
    for (const pair of this.#pairs) pair.cut(how);
  }

  /** From now on connections are refused, or accepted again. Those that are open stay. */
  async listen(on: boolean): Promise<void> {
    if (on === this.#server.listening) return;
    if (!on) {
      this.#server.close(); // its callback waits for the connections, too
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, HOST, resolve);
    });
    this.#port = (this.#server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.cut();
    await this.listen(false);
  }

  #accept(socket: net.Socket): void {
    this.accepted++;
    const pair = new Pair(socket);
    this.#pairs.add(pair);
    socket.on('close', () => this.#pairs.delete(pair));
    if (this.welcome === 'slam') pair.cut('reset');
    if (this.welcome === 'serve') this.#serve(pair);
    if (this.welcome !== 'reorder') return;
    this.#waiting.push(pair);
    if (this.#waiting.length >= this.gather) this.#serveWaiting();
  }

  #serve(pair: Pair): void {
    pair.serve(this.#target, this.#faults, (bytes) => this.#requests.push(bytes));
  }

  #serveWaiting(): void {
    for (const pair of this.#waiting.splice(0).reverse()) this.#serve(pair);
  }
}

export async function startFaultProxy(target: Endpoint): Promise<FaultProxy> {
  const proxy = new FaultProxy(target);
  await proxy.listen(true);
  return proxy;
}
