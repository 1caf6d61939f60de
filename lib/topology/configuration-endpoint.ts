/**
 * Asks a configuration endpoint for a cluster's servers, as Amazon ElastiCache has it ("Auto Discovery"): a version, and a
 * list of `host|address|port`.
 *
 *     > config get cluster                            < CONFIG cluster 0 63 ␍␊ 12 ␊ cache1|10.0.0.1|11211 … ␊ ␍␊ END ␍␊
 *     > get AmazonElastiCache:cluster (before 1.4.14) < VALUE AmazonElastiCache:cluster 0 63 ␍␊ … the same
 */

import type * as net from 'node:net';
import type { Socket } from 'node:net';
import { parseServer, type ServerAddress } from '../options/servers';
import type { TlsOptions } from '../options/tls-options';
import { clearTimeout, setTimeout } from '../timing';
import { openSecureSocket } from './open-secure-socket';
import { describeTlsError } from './tls-errors';

export interface Configuration {
  /** Grows with each change. */
  readonly version: bigint;
  readonly servers: readonly ServerAddress[];
}

export interface Question {
  readonly endpoint: ServerAddress;
  readonly tls: TlsOptions | undefined;
  /** In milliseconds, for all of it. */
  readonly timeout: number;
  /** Whether the answer is worth keeping the process alive. */
  readonly isUrgent: boolean;
  readonly signal: AbortSignal;
}

const commands = ['config get cluster\r\n', 'get AmazonElastiCache:cluster\r\n'] as const;
/** A list of 100 servers has about 15 KB. */
const maxBytes = 256 * 1024;

/** Rejects with an Error that says why there is no list. */
export function askConfiguration({ endpoint, tls, timeout, isUrgent, signal }: Question): Promise<Configuration> {
  return new Promise((resolve, reject) => {
    const socket = open(endpoint, tls);
    let answer = '';
    let asked = 0;
    const settle = (settleWith: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settleWith();
    };
    const fail = (reason: string): void => {
      settle(() => {
        reject(new Error(reason));
      });
    };
    const abort = (): void => {
      fail('the client is closed');
    };
    const timer = setTimeout(() => {
      fail(`no answer within ${String(timeout)} ms`);
    }, timeout);
    if (!isUrgent) {
      timer.unref();
      socket.unref();
    }
    signal.addEventListener('abort', abort);
    socket.setEncoding('latin1');
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => socket.write(commands[0]));
    socket.on('error', (error) => {
      fail(tls === undefined ? error.message : describeTlsError(error, asked > 0 || answer !== ''));
    });
    socket.on('close', () => {
      fail('it closed the connection');
    });
    socket.on('data', (data: string) => {
      answer += data;
      if (answer.length > maxBytes) {
        fail(`its response exceeds ${String(maxBytes)} bytes`);
      } else if (asked === 0 && answer === 'ERROR\r\n') {
        answer = '';
        socket.write(commands[++asked] as string);
      } else if (/(^|\n)END\r\n$|^(CLIENT_|SERVER_)?ERROR.*\n$/.test(answer)) {
        try {
          const configuration = parseConfiguration(answer);
          settle(() => {
            resolve(configuration);
          });
        } catch (error) {
          fail((error as Error).message);
        }
      }
    });
  });
}

function open({ host, port }: ServerAddress, tls: TlsOptions | undefined): Socket {
  if (tls !== undefined) return openSecureSocket(host, port, tls);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- most clients never need it
  return (require('node:net') as typeof net).connect({ host, port });
}

/** @throws Error that says what is wrong with it */
export function parseConfiguration(answer: string): Configuration {
  if (answer === 'END\r\n' || answer === 'ERROR\r\n')
    throw new Error('it is not a configuration endpoint: check the address, or remove autoDiscovery');
  const [head, size] = /^(?:CONFIG cluster|VALUE AmazonElastiCache:cluster) \d+ (\d+)\r\n/.exec(answer) ?? [];
  if (head === undefined) throw nonsense(answer);
  const end = head.length + Number(size);
  if (answer.slice(end) !== '\r\nEND\r\n') throw nonsense(answer);
  const [version = '', nodes = '', ...more] = answer.slice(head.length, end).trimEnd().split(/\r?\n/);
  if (!/^\d{1,20}$/.test(version) || more.length > 0) throw nonsense(answer);
  return { version: BigInt(version), servers: nodes.trim().split(/ +/).map(parseNode) };
}

function parseNode(node: string): ServerAddress {
  const [whole, name = '', address = '', port = ''] = /^([^|]*)\|([^|]*)\|(\d+)$/.exec(node) ?? [];
  // Keys are placed by names: addresses change when a node is replaced.
  const host = name === '' ? address : name;
  if (whole === undefined || host === '') throw nonsense(node);
  try {
    return parseServer(`${host.includes(':') ? `[${host}]` : host}:${port}`);
  } catch {
    throw nonsense(node);
  }
}

function nonsense(text: string): Error {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new Error(`it answered ${JSON.stringify(shown)}`);
}
