/** One run of a command: its clients, its output, its exit status. */

import type { Command } from 'commander';

import { Client, type ClientOptions } from '../index';
import { exitCodeOf } from './errors';
import { type ExitCode } from './exit-codes';
import { Output } from './output';
import { clientOptions, refusePassword, type GlobalOptions } from './settings';

/** The client's own. */
const defaultTimeout = 2000;

export interface ServerClient {
  readonly server: string;
  readonly client: Client;
}

export class Session {
  readonly output: Output;
  readonly servers: readonly string[];
  readonly #options: ClientOptions;
  readonly #clients: Client[] = [];

  constructor(output: Output, servers: readonly string[], options: ClientOptions) {
    this.output = output;
    this.servers = servers;
    this.#options = options;
  }

  /** Milliseconds that an operation may take. */
  get timeout(): number {
    return this.#options.timeout ?? defaultTimeout;
  }

  /** A client for all servers, which ends with the command. */
  connect(options: ClientOptions = {}): Client {
    const client = new Client(this.servers, { ...this.#options, ...options });
    this.#clients.push(client);
    return client;
  }

  /** As `connect`, and the servers are known, if they are to be discovered. */
  async connectToKnown(): Promise<Client> {
    const client = this.connect();
    if (this.#options.autoDiscovery !== true) return client;
    const { servers } = client;
    await client.connect().catch((error: unknown) => {
      if (client.servers === servers) throw error; // else some of those that were found are down
    });
    return client;
  }

  /** A client for each server, so that one that is down hides none of the others. */
  async connectEach(): Promise<ServerClient[]> {
    const { servers } = await this.connectToKnown();
    // Each sample must try the server again, not report its last failure.
    const options = { autoDiscovery: false, behaviors: { ...this.#options.behaviors, retry_timeout: 0 } };
    return servers.map((server) => {
      const client = this.connect(options);
      client.setServers([server]); // a path may have a comma
      return { server, client };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/** Runs a command's action; sets the process's exit status. */
export async function run(command: Command, action: (session: Session) => Promise<ExitCode>): Promise<void> {
  const given = command.optsWithGlobals<GlobalOptions>();
  const output = new Output(given.json === true);
  let session: Session | undefined;
  try {
    if (command.getOptionValueSourceWithGlobals('servers') === 'cli') refusePassword(given.servers);
    session = new Session(output, given.servers, await clientOptions(given));
    process.exitCode = await action(session);
  } catch (error) {
    output.error(error);
    process.exitCode = exitCodeOf(error);
  } finally {
    await session?.close();
  }
}
