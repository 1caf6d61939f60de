/**
 * `stats cachedump`, which libmemcached cannot read: its answer is not made of statistics. It is for looking at a server
 * by hand, so it has a connection of its own.
 */

import { connect } from 'node:net';

export interface CacheDumpData {
  key: string;
  /** Bytes. */
  b: number;
  /** Unix time of its expiry. */
  s: number;
}

const maxBytes = 4 * 1024 * 1024; // memcached's own limit is 2 MiB

/** `server`: `host:port` or the path of a Unix socket. */
export function cachedump(server: string, slab: number, limit: number, timeout: number): Promise<CacheDumpData[]> {
  return new Promise((resolve, reject) => {
    const separator = server.lastIndexOf(':');
    const host = server.slice(0, separator).replace(/^\[(.*)\]$/, '$1');
    const socket = server.startsWith('/')
      ? connect(server)
      : connect({ host, port: Number(server.slice(separator + 1)) });
    let answer = '';
    const end = (settle: () => void): void => {
      clearTimeout(deadline);
      socket.destroy();
      settle();
    };
    const fail = (message: string): void => {
      end(() => {
        reject(new Error(`stats cachedump on ${server}: ${message}`));
      });
    };
    const deadline = setTimeout(fail, timeout, `deadline of ${timeout} ms exceeded`);
    socket.setEncoding('utf8');
    socket.on('error', (error) => {
      fail(error.message);
    });
    socket.on('close', () => {
      fail('the connection was closed');
    });
    socket.on('data', (data) => {
      answer += String(data);
      const lines = answer.split('\r\n');
      if (answer.endsWith('\r\n') && lines.at(-2) === 'END')
        end(() => {
          resolve(lines.flatMap(itemOf));
        });
      else if (/^(CLIENT_|SERVER_)?ERROR.*\r\n/.test(answer)) fail(String(lines[0]));
      else if (answer.length > maxBytes) fail('the answer is too long');
    });
    socket.write(`stats cachedump ${slab} ${limit}\r\n`);
  });
}

function itemOf(line: string): CacheDumpData[] {
  const [, key, b, s] = /^ITEM (\S+) \[(\d+) b; (-?\d+) s\]$/.exec(line) ?? [];
  return key === undefined ? [] : [{ key, b: Number(b), s: Number(s) }];
}
