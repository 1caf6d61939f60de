// A small memcached of our own, which speaks both protocols and answers any request otherwise where a test says so.

import type * as net from 'node:net';
import { startReplayServer, type FakeServer } from './fake-servers';

export interface FakeRequest {
  binary: boolean;
  /** Of the binary protocol; in text, that of the same command, or -1. */
  opcode: number;
  key: string;
  value: Buffer;
  opaque: number;
  /** Of the text protocol. */
  line: string;
}

/** Opcodes of the binary protocol; a cas is sent as a replace. */
export const opcodes = {
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  incr: 0x05,
  decr: 0x06,
  flush: 0x08,
  noop: 0x0a,
  version: 0x0b,
  get: 0x0d,
  append: 0x0e,
  prepend: 0x0f,
  stats: 0x10,
  touch: 0x1c,
} as const;

const textOpcodes: Readonly<Record<string, number>> = {
  ...opcodes,
  gets: opcodes.get,
  cas: opcodes.replace,
  flush_all: opcodes.flush,
};

/** What is answered; undefined: what an honest server says. An empty Buffer: nothing. */
export type Override = (request: FakeRequest, socket: net.Socket) => Buffer | string | undefined;

export interface Frame {
  opcode: number;
  opaque: number;
  status?: number;
  key?: string;
  value?: string | Buffer;
  extras?: Buffer;
  /** Lengths that the header names, if they are not those of the parts. */
  keyLength?: number;
  bodyLength?: number;
  magic?: number;
}

export function frame(parts: Frame): Buffer {
  const { key = '', value = '', extras = Buffer.alloc(0) } = parts;
  const body = Buffer.concat([extras, Buffer.from(key), Buffer.from(value)]);
  const header = Buffer.alloc(24);
  header[0] = parts.magic ?? 0x81;
  header[1] = parts.opcode;
  header.writeUInt16BE(parts.keyLength ?? Buffer.byteLength(key), 2);
  header[4] = extras.length;
  header.writeUInt16BE(parts.status ?? 0, 6);
  header.writeUInt32BE(parts.bodyLength ?? body.length, 8);
  header.writeUInt32BE(parts.opaque, 12);
  header.writeBigUInt64BE(1n, 16);
  return Buffer.concat([header, body]);
}

/** Takes the next request off the front of `bytes`; undefined: it is not whole. */
function takeRequest(bytes: Buffer): { request: FakeRequest; length: number } | undefined {
  if (bytes[0] === 0x80) {
    const length = bytes.length < 24 ? Infinity : 24 + bytes.readUInt32BE(8);
    if (bytes.length < length) return undefined;
    const keyAt = 24 + bytes.readUInt8(4);
    const valueAt = keyAt + bytes.readUInt16BE(2);
    const request = {
      binary: true,
      opcode: bytes.readUInt8(1),
      key: bytes.toString('latin1', keyAt, valueAt),
      value: Buffer.from(bytes.subarray(valueAt, length)),
      opaque: bytes.readUInt32BE(12),
      line: '',
    };
    return { request, length };
  }
  const end = bytes.indexOf('\r\n');
  if (end < 0) return undefined;
  const line = bytes.toString('latin1', 0, end);
  const [command = '', key = '', , , size = '0'] = line.split(' ');
  const hasValue = ['set', 'add', 'replace', 'append', 'prepend', 'cas'].includes(command);
  const length = end + 2 + (hasValue ? Number(size) + 2 : 0);
  if (bytes.length < length) return undefined;
  const value = Buffer.from(hasValue ? bytes.subarray(end + 2, length - 2) : '');
  const request = { binary: false, opcode: textOpcodes[command] ?? -1, key, value, opaque: 0, line };
  return { request, length };
}

type Store = Map<string, Buffer>;

function honestText(request: FakeRequest, store: Store): string {
  const { key, value, line, opcode } = request;
  switch (opcode) {
    case opcodes.version:
      return 'VERSION 1.6.18\r\n';
    case opcodes.get: {
      const found = line
        .split(' ')
        .slice(1)
        .filter((each) => store.has(each));
      const item = (each: string): string => {
        const data = (store.get(each) as Buffer).toString('latin1');
        return `VALUE ${each} 16 ${String(data.length)}\r\n${data}\r\n`;
      };
      return `${found.map(item).join('')}END\r\n`;
    }
    case opcodes.delete:
      return store.delete(key) ? 'DELETED\r\n' : 'NOT_FOUND\r\n';
    case opcodes.touch:
      return store.has(key) ? 'TOUCHED\r\n' : 'NOT_FOUND\r\n';
    case opcodes.incr:
    case opcodes.decr:
      return '1\r\n';
    case opcodes.flush:
      store.clear();
      return 'OK\r\n';
    case opcodes.stats:
      return 'STAT pid 1\r\nEND\r\n';
    case -1:
      return 'ERROR\r\n';
    default:
      store.set(key, value);
      return 'STORED\r\n';
  }
}

function honestBinary(request: FakeRequest, store: Store): Buffer {
  const { opcode, opaque, key } = request;
  const answer = (parts: Partial<Frame> = {}): Buffer => frame({ opcode, opaque, ...parts });
  switch (opcode) {
    case opcodes.version:
      return answer({ value: '1.6.18' });
    case opcodes.noop:
    case opcodes.flush:
      return answer();
    case opcodes.delete:
      return answer(store.delete(key) ? {} : { status: 1, value: 'Not found' });
    case opcodes.touch:
      return answer(store.has(key) ? {} : { status: 1, value: 'Not found' });
    case opcodes.incr:
    case opcodes.decr:
      return answer({ value: Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]) });
    case opcodes.stats:
      return Buffer.concat([answer({ key: 'pid', value: '1' }), answer()]);
    case 0x00:
    case 0x0c:
    case opcodes.get: {
      const value = store.get(key);
      if (value !== undefined)
        return answer({ key: opcode === 0 ? '' : key, value, extras: Buffer.from([0, 0, 0, 16]) });
      return opcode === opcodes.get ? Buffer.alloc(0) : answer({ status: 1, value: 'Not found' });
    }
    default:
      store.set(key, request.value);
      return answer();
  }
}

/** `override` is asked first, for whatever comes but the greeting, unless it is `rude`. */
export function startFake(override: Override, options: { rude?: boolean } = {}): Promise<FakeServer> {
  const store: Store = new Map();
  const unread = new WeakMap<net.Socket, Buffer>();
  const isGreeting = ({ binary, opcode, key }: FakeRequest): boolean =>
    opcode === opcodes.version || (binary && key === 'libmemcached:idle?');
  return startReplayServer((socket, chunk) => {
    let bytes = Buffer.concat([unread.get(socket) ?? Buffer.alloc(0), chunk]);
    const answers: Buffer[] = [];
    let isAfterGreeting = false;
    for (let next = takeRequest(bytes); next !== undefined; next = takeRequest(bytes)) {
      bytes = bytes.subarray(next.length);
      const { request } = next;
      // The greeting's get is followed by a no-op.
      const isGreetings = isGreeting(request) || (isAfterGreeting && request.opcode === opcodes.noop);
      isAfterGreeting = isGreeting(request);
      const said = options.rude || !isGreetings ? override(request, socket) : undefined;
      const honest = request.binary ? honestBinary : honestText;
      answers.push(Buffer.from(said ?? honest(request, store)));
    }
    unread.set(socket, bytes);
    if (socket.writable) socket.write(Buffer.concat(answers));
  });
}
