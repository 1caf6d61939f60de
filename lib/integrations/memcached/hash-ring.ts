/** Placement of keys as in the npm package `hashring` 3.2, which memcached 2.2.2 uses: the same server for every key. */

import { createHash } from 'node:crypto';

/** What a server may be mapped to: its weight, or its weight and the number of its points. */
export type Weight = number | { weight?: number; vnodes?: number };
export type Location = string | readonly string[] | Readonly<Record<string, Weight>>;

export interface HashRingOptions {
  /** A digest of node:crypto, or a function of a text. */
  algorithm: string | ((text: string) => Uint8Array | string);
  /** `'ketama'` makes four points of one digest, `'hash_ring'` three. */
  compatibility: string | undefined;
  /** Left out of a server's name when its points are computed. */
  defaultPort: number | undefined;
}

interface Member {
  /** Whose name the points are computed from. A server that replaces another keeps the points of the other. */
  readonly origin: string;
  server: string;
  readonly weight: number;
  readonly points: number | undefined;
}

const defaultPoints = 40;

export class HashRing {
  readonly #options: HashRingOptions;
  readonly #pointsOfDigest: number;
  #members: Member[];
  #ring: { value: number; member: Member }[] = [];

  constructor(location: Location, options: HashRingOptions) {
    this.#options = options;
    this.#pointsOfDigest = options.compatibility === 'hash_ring' ? 3 : 4;
    this.#members = membersOf(location);
    this.#build();
  }

  /** Returns the server of a key; undefined if there is no server. */
  get(key: string): string | undefined {
    return this.#ring[this.#find(key)]?.member.server;
  }

  /** Returns the first `size` different servers from a key onwards; all of them without `size`. */
  range(key: string, size = this.#members.length): string[] {
    const first = this.#find(key);
    const inOrder = [...this.#ring.slice(first), ...this.#ring.slice(0, first)];
    return [...new Set(inOrder.map(({ member }) => member.server))].slice(0, size);
  }

  has(server: string): boolean {
    return this.#members.some((member) => member.server === server);
  }

  /** Puts a server in the place of another: no key moves but the keys of that one. */
  swap(from: string, to: string): void {
    for (const member of this.#members) if (member.server === from) member.server = to;
  }

  /** Takes a server out, and returns what puts it back. */
  remove(server: string): () => void {
    const all = this.#members;
    const removed = all.filter((member) => member.server === server);
    this.#members = all.filter((member) => member.server !== server);
    this.#build();
    return () => {
      this.#members = [...this.#members, ...removed];
      this.#build();
    };
  }

  #build(): void {
    this.#ring = [];
    const total = this.#members.reduce((sum, { weight }) => sum + weight, 0);
    for (const member of this.#members) {
      const share = Math.floor((member.weight / total) * defaultPoints * this.#members.length);
      const name = this.#pointName(member.origin);
      for (let index = 0; index < (member.points ?? share); index += 1) {
        const digest = this.#digest(`${name}-${index}`);
        for (let point = 0; point < this.#pointsOfDigest; point += 1)
          this.#ring.push({ value: numberAt(digest, point * 4), member });
      }
    }
    this.#ring.sort((a, b) => a.value - b.value);
  }

  #pointName(server: string): string {
    const [host, port] = server.split(':');
    const { defaultPort } = this.#options;
    return defaultPort !== undefined && Number(port) === defaultPort ? String(host) : server;
  }

  /** The first point at or behind the key's, around the ring. */
  #find(key: string): number {
    const value = numberAt(this.#digest(key), 0);
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle]?.value ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low === this.#ring.length ? 0 : low;
  }

  #digest(text: string): Uint8Array {
    const { algorithm } = this.#options;
    const digest = typeof algorithm === 'function' ? algorithm(text) : createHash(algorithm).update(text).digest();
    return typeof digest === 'string' ? Buffer.from(digest, 'latin1') : digest;
  }
}

/** Four bytes, the least significant first. */
function numberAt(bytes: Uint8Array, index: number): number {
  const byte = (offset: number): number => bytes[index + offset] ?? 0;
  return ((byte(3) << 24) | (byte(2) << 16) | (byte(1) << 8) | byte(0)) >>> 0;
}

function membersOf(location: Location): Member[] {
  if (typeof location === 'string') return [memberOf(location, 1)];
  if (Array.isArray(location)) return (location as readonly string[]).map((server) => memberOf(server, 1));
  return Object.entries(location as Readonly<Record<string, Weight>>).map(([server, weight]) =>
    memberOf(server, weight),
  );
}

function memberOf(server: string, given: Weight): Member {
  const { weight, vnodes } = typeof given === 'object' ? given : { weight: given, vnodes: undefined };
  const points = Number(vnodes);
  // As in hashring: what is no number, or 0, is 1; and its own default number of points is none that was asked for.
  return {
    origin: server,
    server,
    weight: Number(weight) || 1,
    points: points > 0 && points !== defaultPoints ? points : undefined,
  };
}
