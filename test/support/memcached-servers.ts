// Real memcached servers for the tests.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onFreePort, ServerProcess, stopAll as stopAllProcesses, type Endpoint } from './child-processes';
import { plainEnvironment } from './sanitizers';

export interface MemcachedOptions {
  transport?: 'tcp' | 'tcp6' | 'unix';
  /** memcached's -B; its own default understands both protocols. */
  protocol?: 'ascii' | 'binary' | 'auto';
  memoryMb?: number;
  /** The largest item, in memcached's notation: '2m'. */
  itemSize?: string;
  /** Also listen on UDP, at the same port: the specification is then `udp:${server.address}`. */
  udp?: boolean;
  /** User names and passwords. Such a server speaks only the binary protocol. */
  sasl?: { users: Record<string, string> };
  /** User names and passwords of text authentication (-Y). Such a server speaks only the text protocol. */
  textAuthentication?: { users: Record<string, string> };
  /** TLS: which of the certificates beside certificates/make.sh it shows, and whether it wants one of the client's. */
  tls?: { certificate?: 'server' | 'expired' | 'elsewhere'; wantsClientCertificate?: boolean };
  args?: readonly string[];
}

export class MemcachedServer implements Endpoint {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  readonly #options: MemcachedOptions;
  readonly #folder: string;
  #process: ServerProcess | undefined;

  /** Use startMemcached(). */
  constructor(options: MemcachedOptions, folder: string, port: number) {
    this.#options = options;
    this.#folder = folder;
    this.host = options.transport === 'tcp6' ? '::1' : '127.0.0.1';
    this.port = port;
    if (options.transport === 'unix') this.path = join(folder, 'memcached.sock');
  }

  /** As a server specification: `127.0.0.1:port`, `[::1]:port` or the socket's path. */
  get address(): string {
    return this.path ?? `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  /** Starts it, empty, at the address that it had before. */
  async restart(): Promise<void> {
    await this.kill();
    mkdirSync(this.#folder, { recursive: true });
    servers.add(this);
    const env = this.#options.sasl ? prepareSasl(this.#folder, this.#options.sasl.users) : {};
    const users = Object.entries(this.#options.textAuthentication?.users ?? {});
    if (users.length > 0)
      writeFileSync(join(this.#folder, 'users'), users.map(([name, password]) => `${name}:${password}\n`).join(''));
    this.#process = await ServerProcess.start('memcached', this.#args(), this, env);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** From now on it accepts connections (the kernel does) and answers nothing. */
  suspend(): void {
    this.signal('SIGSTOP');
    // The signal reaches its threads one after the other: one may still answer.
    while (!this.#isStopped()) {
      // A few microseconds.
    }
  }

  #isStopped(): boolean {
    const tasks = `/proc/${this.pid}/task`;
    // "pid (name) T …"; the name has no blank.
    return readdirSync(tasks).every((task) => readFileSync(`${tasks}/${task}/stat`, 'utf8').split(' ')[2] === 'T');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Ends it at once; connections to it break. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
    servers.delete(this);
  }

  #args(): string[] {
    const { protocol, memoryMb, itemSize, udp, sasl, textAuthentication, tls, args = [] } = this.#options;
    const port = String(this.port);
    return [
      ...(this.path === undefined ? ['-l', this.host, '-p', port] : ['-s', this.path, '-a', '0777']),
      ...(udp ? ['-U', port] : []),
      // It refuses to run as root unless told to.
      ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
      ...(protocol ? ['-B', protocol] : []),
      ...(memoryMb ? ['-m', String(memoryMb)] : []),
      ...(itemSize ? ['-I', itemSize] : []),
      ...(sasl ? ['-S'] : []),
      ...(textAuthentication ? ['-Y', join(this.#folder, 'users')] : []),
      ...(tls ? tlsArguments(tls) : []),
      ...args,
    ];
  }
}

/** Of a certificate or key of the TLS tests. */
export function certificatePath(name: string): string {
  return join(__dirname, 'certificates', name);
}

function tlsArguments({
  certificate = 'server',
  wantsClientCertificate = false,
}: NonNullable<MemcachedOptions['tls']>): string[] {
  const options = [
    `ssl_chain_cert=${certificatePath(`${certificate}.pem`)}`,
    `ssl_key=${certificatePath(`${certificate}.key`)}`,
  ];
  // 2: SSL_VERIFY_PEER and SSL_VERIFY_FAIL_IF_NO_PEER_CERT
  if (wantsClientCertificate) options.push('ssl_verify_mode=2', `ssl_ca_cert=${certificatePath('authority.pem')}`);
  return ['-Z', '-o', options.join(',')];
}

const servers = new Set<MemcachedServer>();

export async function startMemcached(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const start = async (port: number): Promise<MemcachedServer> => {
    const server = new MemcachedServer(options, mkdtempSync(join(tmpdir(), 'memcached-test-')), port);
    try {
      await server.restart();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  };
  if (options.transport === 'unix') return start(0);
  return onFreePort(options.transport === 'tcp6' ? '::1' : '127.0.0.1', start);
}

/** Stops every server that a test has started, whatever its kind. */
export async function stopAll(): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()));
  await stopAllProcesses();
}

/** SASL with a password file of the server's own; returns what its environment needs. */
function prepareSasl(folder: string, users: Record<string, string>): NodeJS.ProcessEnv {
  const database = join(folder, 'sasldb');
  writeFileSync(
    join(folder, 'memcached.conf'),
    `mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${database}\n`,
  );
  for (const [user, password] of Object.entries(users)) {
    const args = ['-p', '-c', '-a', 'memcached', '-f', database, user];
    execFileSync('saslpasswd2', args, { input: password, env: plainEnvironment });
  }
  return { SASL_CONF_PATH: folder };
}
