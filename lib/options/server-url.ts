/**
 * Servers as a URL: `memcached://user:password@a:11211,b`, and `memcacheds://` for TLS. Node's URL knows neither lists of hosts
 * nor weights, so the hosts keep pylibmc's grammar.
 */

export interface ServerUrl {
  /** What stands behind the credentials: a list with commas, or the path of a Unix socket. */
  readonly servers: string;
  readonly isTls: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** Whether it is meant as a URL. */
export function isServerUrl(servers: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(servers);
}

/** @throws TypeError that does not quote it: it may hold a password */
export function parseServerUrl(url: string): ServerUrl {
  const parts = /^(memcacheds?):\/\/(?:([^/@]*)@)?([^?#]*)$/i.exec(url);
  const [, scheme = '', credentials, rest = ''] = parts ?? [];
  if (parts === null || rest.includes('@'))
    throw new TypeError(
      'malformed server URL; expected memcached://user:password@host:port,host:port (memcacheds:// for TLS), without query; ' +
        'percent-encode "@", "/", "?", "#" and "%" in user and password',
    );
  // "memcached://host/" means no path.
  const servers = rest.startsWith('/') ? decode(rest) : rest.replace(/\/$/, '');
  const isTls = scheme.toLowerCase() === 'memcacheds';
  if (credentials === undefined) return { servers, isTls };
  const [username = '', ...rests] = credentials.split(':');
  if (rests.length === 0) throw new TypeError('a server URL with a user name requires a password');
  return { servers, isTls, username: decode(username), password: decode(rests.join(':')) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('malformed percent-encoding in the server URL');
  }
}
