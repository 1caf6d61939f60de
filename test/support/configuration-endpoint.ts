// A stand-in for the configuration endpoint of Amazon ElastiCache, which nothing that Debian has can be: it answers as the
// service's guide ("Adding Auto Discovery To Your Client Library") says.

import { readFileSync } from 'node:fs';
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { Endpoint } from './child-processes';
import { certificatePath } from './memcached-servers';

export interface EndpointOptions {
  /** It knows the older of the two commands only. */
  isOld?: boolean;
  isTls?: boolean;
}

const pattern = /^(config get cluster|get AmazonElastiCache:cluster|[^\r\n]*)\r\n/;

export class ConfigurationEndpoint {
  readonly host = '127.0.0.1';
  port = 0;
  version = 1;
  nodes: readonly string[];
  /** Said instead of the list. */
  nonsense: string | undefined;
  /** It accepts connections, and says nothing. */
  isSilent = false;
  /** What it was asked. */
  readonly questions: string[] = [];
  readonly #options: EndpointOptions;
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | undefined;

  constructor(servers: readonly Endpoint[], options: EndpointOptions) {
    this.#options = options;
    this.nodes = servers.map(toNode);
  }

  get address(): string {
    return `${this.host}:${String(this.port)}`;
  }

  /** Another list, and so another version. */
  change(servers: readonly Endpoint[]): void {
    this.nodes = servers.map(toNode);
    ++this.version;
  }

  async start(): Promise<this> {
    const accept = (socket: net.Socket): void => {
      this.#accept(socket);
    };
    const read = (name: string): Buffer => readFileSync(certificatePath(name));
    const server = this.#options.isTls
      ? tls.createServer({ cert: read('server.pem'), key: read('server.key') }, accept)
      : net.createServer(accept);
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, this.host, resolve);
    });
    server.unref();
    this.port = (server.address() as net.AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const stopped = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  #accept(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      rest += text;
      for (let match = pattern.exec(rest); match !== null; match = pattern.exec(rest)) {
        const [whole, command = ''] = match;
        rest = rest.slice(whole.length);
        this.questions.push(command);
        if (!this.isSilent) socket.write(this.nonsense ?? this.#answer(command));
      }
    });
  }

  #answer(command: string): string {
    const list = `${String(this.version)}\n${this.nodes.join(' ')}\n`;
    const body = `0 ${String(list.length)}\r\n${list}\r\nEND\r\n`;
    if (command === 'config get cluster' && !this.#options.isOld) return `CONFIG cluster ${body}`;
    if (command === 'get AmazonElastiCache:cluster') return `VALUE AmazonElastiCache:cluster ${body}`;
    return 'ERROR\r\n';
  }
}

/** Nodes have names, and may have addresses. */
function toNode({ host, port }: Endpoint): string {
  return `${host}|${net.isIP(host) === 0 ? '' : host}|${String(port)}`;
}
