/** The options that every command takes, and the client options that they amount to. */

import { readFileSync } from 'node:fs';

import { Option, type Command } from 'commander';

import type { ClientOptions, TlsOptions } from '../index';
import { UsageError } from './exit-codes';
import { askPassword } from './password';

export interface GlobalOptions {
  servers: string[];
  binary?: boolean;
  username?: string;
  tls?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  discover?: boolean;
  behavior: Record<string, unknown>;
  timeout?: number;
  json?: boolean;
}

/** As in many of libmemcached's own programs: memcached's port on this machine. */
const defaultServers = '127.0.0.1:11211';

export function addGlobalOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '-s, --servers <list>',
        'host, host:port, host:port:weight or /path/to.sock, separated by commas; or memcached://host,host (memcacheds: with TLS)',
      )
        .env('MEMCACHED_SERVERS')
        .argParser(serverList)
        .default([defaultServers], defaultServers),
    )
    .option(
      '--binary',
      'use the binary protocol, which allows any byte in keys (default: text; binary with --username)',
    )
    .option('--no-binary', "with --username: use memcached's text authentication")
    .addOption(
      new Option(
        '-u, --username <name>',
        'SASL; the password comes from MEMCACHED_PASSWORD, or is asked for on a terminal',
      ).env('MEMCACHED_USERNAME'),
    )
    .option('--tls', 'TLS, with the authorities that Node trusts')
    .option('--ca <file>', 'TLS, with these authorities (PEM)')
    .option('--cert <file>', 'TLS, with this certificate of yours (PEM), and --key')
    .option('--key <file>', 'its private key (PEM)')
    .option('--servername <name>', "TLS, with this name in the server's certificate")
    .option('--discover', 'the server is a configuration endpoint: ask it for the servers')
    .addOption(
      new Option('-b, --behavior <name=value>', "as your program's client has it, such as ketama=true; repeatable")
        .argParser(addBehavior)
        .default({}, 'none'),
    )
    .addOption(new Option('-t, --timeout <ms>', 'for each operation (default: 2000)').argParser(positiveNumber))
    .option('-j, --json', 'one JSON object a line, for each key or server');
}

function serverList(text: string): string[] {
  if (text.includes('://')) return [text.trim()];
  const servers = text.split(/[\s,]+/).filter((server) => server !== '');
  if (servers.length === 0) throw new UsageError('no servers: --servers or MEMCACHED_SERVERS is empty');
  return servers;
}

/** Names and values are checked by the client. */
function addBehavior(text: string, known: Record<string, unknown>): Record<string, unknown> {
  const { name, value } = /^(?<name>[^=]+)=(?<value>.*)$/s.exec(text)?.groups ?? {};
  if (name === undefined || value === undefined)
    throw new UsageError(`--behavior takes name=value, not ${JSON.stringify(text)}`);
  return { ...known, [name]: behaviorValue(value) };
}

function behaviorValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new UsageError(`${JSON.stringify(text)} is not a number above 0`);
  return value;
}

export function count(text: string): number {
  const value = positiveNumber(text);
  if (!Number.isSafeInteger(value)) throw new UsageError(`${JSON.stringify(text)} is not a whole number`);
  return value;
}

/** Seconds until something expires; 0 is never. The client checks the range. */
export function expirySeconds(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a whole number of seconds`);
  return Number(text);
}

/** 64 bits; the client checks the range. */
export function bigCount(text: string): bigint {
  if (!/^\d+$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a whole number, 0 or more`);
  return BigInt(text);
}

export async function clientOptions(given: GlobalOptions): Promise<ClientOptions> {
  const { binary, username, timeout } = given;
  const options: ClientOptions = { behaviors: given.behavior };
  const tls = tlsOptions(given);
  if (tls !== undefined) options.tls = tls;
  if (given.discover === true) options.autoDiscovery = true;
  if (binary !== undefined) options.binary = binary;
  if (timeout !== undefined) options.timeout = timeout;
  if (username === undefined) return options;
  const password = process.env.MEMCACHED_PASSWORD ?? (await askPassword(username));
  return { ...options, username, password };
}

function tlsOptions({ tls, servername, ...files }: GlobalOptions): ClientOptions['tls'] {
  const options: TlsOptions = servername === undefined ? {} : { servername };
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = files[name];
    if (file !== undefined) options[name] = readPem(name, file);
  }
  return Object.keys(options).length > 0 ? options : tls;
}

function readPem(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--${option}: ${(error as Error).message}`);
  }
}

/** Other users can read a process's arguments, and a password in them. */
export function refusePassword(servers: readonly string[]): void {
  if (servers.some((server) => /:\/\/[^/]*@/.test(server)))
    throw new UsageError(
      'a password in --servers can be seen by other users: set MEMCACHED_SERVERS to the URL, or MEMCACHED_PASSWORD beside --username',
    );
}
