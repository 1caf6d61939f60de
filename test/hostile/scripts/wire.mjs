// Both protocols as a server sees them: requests out of bytes, and answers that a well-meaning server would give.

import { createServer } from 'node:net';

export const OPCODE = { get: 0, set: 1, getQuietly: 9, noop: 10, version: 11, getKey: 12, getKeyQuietly: 13, stat: 16 };

/** An answer of the binary protocol; every member can be given a value that does not fit the others. */
export function binaryAnswer(request, given = {}) {
  const { key = '', value = '', extras = '' } = given;
  const body = Buffer.concat([extras, key, value].map((part) => Buffer.from(part)));
  const header = Buffer.alloc(24);
  header[0] = given.magic ?? 0x81;
  header[1] = given.opcode ?? request.opcode;
  header.writeUInt16BE(given.keyLength ?? Buffer.byteLength(key), 2);
  header[4] = given.extrasLength ?? extras.length;
  header[5] = given.dataType ?? 0;
  header.writeUInt16BE(given.status ?? 0, 6);
  header.writeUInt32BE(given.bodyLength ?? body.length, 8);
  (given.opaque ?? request.opaque).copy(header, 12);
  header.writeBigUInt64BE(given.cas ?? 1n, 16);
  return Buffer.concat([header, body]);
}

/** A found value, as `get` (and, with its key, the gets of a multi-get) are answered. */
export function binaryValue(request, key, value) {
  const withKey = request.opcode === OPCODE.getKey || request.opcode === OPCODE.getKeyQuietly;
  return binaryAnswer(request, { extras: Buffer.alloc(4), key: withKey ? key : '', value });
}

export const isFetch = ({ opcode }) =>
  [OPCODE.get, OPCODE.getQuietly, OPCODE.getKey, OPCODE.getKeyQuietly].includes(opcode);

/** Takes the requests that are complete off `state.bytes`. */
function takeRequests(state) {
  const requests = [];
  for (;;) {
    const { bytes } = state;
    if (bytes.length === 0) return requests;
    if (bytes[0] === 0x80) {
      const length = bytes.length < 24 ? Infinity : 24 + bytes.readUInt32BE(8);
      if (bytes.length < length) return requests;
      const keyAt = 24 + bytes[4];
      const key = bytes.subarray(keyAt, keyAt + bytes.readUInt16BE(2)).toString('latin1');
      requests.push({ binary: true, opcode: bytes[1], key, opaque: Buffer.from(bytes.subarray(12, 16)) });
      state.bytes = bytes.subarray(length);
      continue;
    }
    const end = bytes.indexOf('\r\n');
    if (end < 0) return requests;
    const line = bytes.toString('latin1', 0, end);
    const [command, ...keys] = line.split(' ');
    const block = /^(?:set|add|replace|append|prepend|cas) \S+ \d+ \S+ (\d+)/.exec(line)?.[1];
    const length = end + 2 + (block === undefined ? 0 : Number(block) + 2);
    if (bytes.length < length) return requests;
    requests.push({ binary: false, line, command, key: keys[0] ?? '', keys });
    state.bytes = bytes.subarray(length);
  }
}

/** The answer to what a client says before it asks for anything; undefined for anything else. */
function greeting(request) {
  if (!request.binary) return request.line === 'version' ? Buffer.from('VERSION 1.6.18\r\n') : undefined;
  return request.opcode === OPCODE.version ? binaryAnswer(request, { value: '1.6.18' }) : undefined;
}

/**
 * A server that does what `attack` says.
 * `attack.answer(request, socket)`: bytes for a request, or undefined for none; `attack.connected(socket)`: on connection.
 * Greetings are answered properly, unless it is `attack.rude`.
 */
export async function startHostileServer(attack) {
  const server = createServer((socket) => {
    const state = { bytes: Buffer.alloc(0) };
    socket.on('error', () => undefined);
    attack.connected?.(socket);
    socket.on('data', (chunk) => {
      state.bytes = Buffer.concat([state.bytes, chunk]);
      for (const request of takeRequests(state)) {
        const polite = attack.rude ? undefined : greeting(request);
        const answer = polite ?? attack.answer?.(request, socket);
        if (answer !== undefined && socket.writable) socket.write(answer);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `127.0.0.1:${server.address().port}`;
}
