// What hostile servers answer. A value that nobody asked for is called EVIL: it must never come out.

import { binaryAnswer, binaryValue, isFetch, OPCODE } from './wire.mjs';

export const EVIL = 'evil value';

/** The same noise every time. */
function noise(length) {
  const bytes = Buffer.alloc(length);
  let state = 12345;
  for (let index = 0; index < length; ++index) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

const text = (string) => Buffer.from(string, 'latin1');
const everyTime = (bytes) => ({ answer: () => bytes });
const http = text('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');

/** `answer` for requests of the text protocol. */
const inText = (answer) => ({ answer: (request) => (request.binary ? undefined : text(answer(request))) });
/** `given` for requests of the binary protocol. */
const inBinary = (given) => ({
  answer: (request) => {
    if (!request.binary) return undefined;
    return binaryAnswer(request, typeof given === 'function' ? given(request) : given);
  },
});
/** The same, but only gets; others are not answered. */
const toFetch = (answer) => ({
  answer: (request) => (request.binary && isFetch(request) ? answer(request) : undefined),
});

/** In any protocol. */
export const common = {
  silence: {},
  noise: everyTime(noise(512)),
  rudeNoise: { ...everyTime(noise(512)), rude: true },
  muchNoise: everyTime(noise(8 * 2 ** 20)),
  prose: everyTime(text('It was the best of times,\r\nit was the worst of times,\r\n')),
  rudeProse: { ...everyTime(text('220 mail.example.org ESMTP\r\n')), rude: true },
  zeros: everyTime(Buffer.alloc(1000)),
  ones: everyTime(Buffer.alloc(1000, 0xff)),
  emptyLines: everyTime(text('\r\n\r\n\r\n\r\n')),
  newlines: everyTime(text('\n\n\n\n')),
  http: { answer: (_request, socket) => void socket.end(http), rude: true },
  httpOnConnect: { connected: (socket) => socket.end(http), rude: true },
  textErrors: { ...everyTime(text('ERROR\r\n')), rude: true },
  slamOnConnect: { connected: (socket) => socket.resetAndDestroy(), rude: true },
  closeOnConnect: { connected: (socket) => socket.end(), rude: true },
  slam: { answer: (_request, socket) => void socket.resetAndDestroy() },
  close: { answer: (_request, socket) => void socket.end() },
  half: {
    answer: (request) =>
      request.binary
        ? binaryValue(request, request.key, EVIL).subarray(0, 30)
        : text(`VALUE ${request.key} 0 100\r\n${EVIL}`),
  },
  halfAndClose: {
    answer: (request, socket) =>
      void socket.end(
        request.binary
          ? binaryValue(request, request.key, EVIL).subarray(0, 30)
          : text(`VALUE ${request.key} 0 100\r\n${EVIL}`),
      ),
  },
  halfHeader: {
    answer: (request, socket) => void socket.end(request.binary ? binaryAnswer(request).subarray(0, 11) : text('VAL')),
  },
  unasked: {
    connected: (socket) => socket.write(text(`VALUE key-1 0 ${EVIL.length}\r\n${EVIL}\r\nEND\r\n`)),
    rude: true,
  },
};

const otherKeys = ['other', 'key-', 'key-11', 'KEY-1', 'key-1\0', 'k'.repeat(250)];

export const textOnly = {
  end: inText(() => 'END\r\n'),
  endOfNothing: inText(() => 'END'),
  versionBare: inText(() => 'VERSION\r\n'),
  otherKey: inText(() => `VALUE other 0 ${EVIL.length}\r\n${EVIL}\r\nEND\r\n`),
  otherKeys: inText(() => otherKeys.map((key) => `VALUE ${key} 0 ${EVIL.length}\r\n${EVIL}\r\n`).join('') + 'END\r\n'),
  lengthHuge: inText(({ key }) => `VALUE ${key} 0 18446744073709551615\r\n${EVIL}\r\nEND\r\n`),
  lengthOverflow: inText(({ key }) => `VALUE ${key} 0 99999999999999999999999999\r\n${EVIL}\r\nEND\r\n`),
  length4G: inText(({ key }) => `VALUE ${key} 0 4294967295\r\n${EVIL}\r\nEND\r\n`),
  length2G: inText(({ key }) => `VALUE ${key} 0 2147483647\r\n${EVIL}\r\nEND\r\n`),
  lengthNegative: inText(({ key }) => `VALUE ${key} 0 -1\r\n${EVIL}\r\nEND\r\n`),
  lengthTooShort: inText(({ key }) => `VALUE ${key} 0 1\r\n${EVIL}\r\nEND\r\n`),
  lengthTooLong: inText(({ key }) => `VALUE ${key} 0 1000\r\n${EVIL}\r\nEND\r\n`),
  lengthMissing: inText(({ key }) => `VALUE ${key} 0\r\n${EVIL}\r\nEND\r\n`),
  lengthWord: inText(({ key }) => `VALUE ${key} 0 ten\r\n${EVIL}\r\nEND\r\n`),
  valueOnly: inText(() => 'VALUE\r\nEND\r\n'),
  valueSpaces: inText(() => 'VALUE    \r\nEND\r\n'),
  keyLong: inText(() => `VALUE ${'k'.repeat(300)} 0 ${EVIL.length}\r\n${EVIL}\r\nEND\r\n`),
  keyVeryLong: inText(() => `VALUE ${'k'.repeat(5000)} 0 ${EVIL.length}\r\n${EVIL}\r\nEND\r\n`),
  flagsHuge: inText(() => `VALUE other 99999999999999999999 ${EVIL.length} 99999999999999999999\r\n${EVIL}\r\nEND\r\n`),
  casWord: inText(() => `VALUE other 0 ${EVIL.length} token\r\n${EVIL}\r\nEND\r\n`),
  lineWithoutEnd: inText(() => 'x'.repeat(100_000)),
  valueWithoutEnd: inText(() => `VALUE ${'x'.repeat(100_000)}`),
  manyOthers: inText(() => `VALUE other 0 ${EVIL.length}\r\n${EVIL}\r\n`.repeat(20_000)),
  clientError: inText(() => 'CLIENT_ERROR bad data chunk\r\n'),
  serverError: inText(() => 'SERVER_ERROR out of memory storing object\r\n'),
  serverErrorLong: inText(() => `SERVER_ERROR ${'x'.repeat(5000)}\r\n`),
  error: inText(() => 'ERROR\r\n'),
  notANumber: inText(() => 'NaN\r\n'),
  numberHuge: inText(() => `${'9'.repeat(400)}\r\n`),
  numberNegative: inText(() => '-5\r\n'),
  statHalf: inText(() => 'STAT\r\nSTAT a\r\nSTAT  b\r\nEND\r\n'),
  statHuge: inText(() => `STAT ${'n'.repeat(3000)} ${'v'.repeat(3000)}\r\nEND\r\n`),
  wrongWords: inText(() => 'TOUCHED\r\n'),
  otherWords: inText(() => 'HD\r\nEN\r\nMN\r\nOK\r\nRESET\r\n'),
  zeroInside: inText(({ key }) => `VALUE other\0${key} 0 ${EVIL.length}\r\n${EVIL}\r\nEND\r\n`),
};

export const binaryOnly = {
  success: inBinary({}),
  bodyHuge: inBinary({ bodyLength: 0xffffffff }),
  bodyHugeWithKey: inBinary(({ key }) => ({ bodyLength: 0xffffffff, key, extras: Buffer.alloc(4), value: EVIL })),
  body2G: inBinary({ bodyLength: 0x7fffffff, extras: Buffer.alloc(4) }),
  bodyWithExtras: inBinary({ bodyLength: 0xffffffff, extrasLength: 255, keyLength: 65535 }),
  keyHuge: inBinary({ key: 'k'.repeat(65535), extras: Buffer.alloc(4), value: EVIL }),
  key300: inBinary({ key: 'k'.repeat(300), extras: Buffer.alloc(4), value: EVIL }),
  key251: inBinary({ key: 'k'.repeat(251), extras: Buffer.alloc(4), value: EVIL }),
  keyLengthOnly: inBinary({ keyLength: 65535 }),
  keyBeyondBody: inBinary({ keyLength: 100, bodyLength: 10, value: EVIL }),
  extrasBeyondBody: inBinary({ extrasLength: 255, bodyLength: 4, value: 'evil' }),
  extrasMissing: inBinary(({ key }) => ({ key, value: EVIL })),
  extrasMany: inBinary({ extras: Buffer.alloc(200), value: EVIL }),
  keyMissing: toFetch((request) =>
    binaryAnswer(request, { extras: Buffer.alloc(4), value: EVIL, opcode: OPCODE.getKey }),
  ),
  otherKey: toFetch((request) =>
    binaryAnswer(request, { extras: Buffer.alloc(4), key: 'other', value: EVIL, opcode: OPCODE.getKey }),
  ),
  otherKeysQuietly: toFetch((request) =>
    Buffer.concat(
      otherKeys.map((key) =>
        binaryAnswer(request, { extras: Buffer.alloc(4), key, value: EVIL, opcode: OPCODE.getKeyQuietly }),
      ),
    ),
  ),
  noopOnly: inBinary({ opcode: OPCODE.noop }),
  magicOfRequests: inBinary({ magic: 0x80, extras: Buffer.alloc(4), value: EVIL }),
  magicUnknown: inBinary({ magic: 0x00, extras: Buffer.alloc(4), value: EVIL }),
  opcodeOther: inBinary({ opcode: OPCODE.stat, key: 'stat', value: EVIL }),
  opcodeUnknown: inBinary({ opcode: 0xee, value: EVIL }),
  opcodeVersion: inBinary({ opcode: OPCODE.version, value: '9'.repeat(500) }),
  statusUnknown: inBinary({ status: 0xffff, value: 'what?' }),
  statusNotStored: inBinary({ status: 5 }),
  statusTooBig: inBinary({ status: 3, value: 'x'.repeat(5000) }),
  statusAuth: inBinary({ status: 0x20 }),
  statusAuthContinue: inBinary({ status: 0x21 }),
  statusNotFoundWithBody: inBinary({ status: 1, bodyLength: 0xfffffff0, value: 'Not found' }),
  dataType: inBinary({ dataType: 0xff, extras: Buffer.alloc(4) }),
  counterShort: inBinary({ value: '\0\0' }),
  counterLong: inBinary({ value: '\0'.repeat(64) }),
  statEndless: {
    answer: (request, socket) => {
      if (!request.binary) return undefined;
      const stat = binaryAnswer(request, { opcode: OPCODE.stat, key: 'name', value: 'value' });
      const more = setInterval(() => (socket.writable ? socket.write(stat) : clearInterval(more)), 10).unref();
      return stat;
    },
  },
  statHuge: inBinary({ opcode: OPCODE.stat, key: 'n'.repeat(2000), value: 'v'.repeat(5000) }),
  manyAnswers: {
    answer: (request) =>
      request.binary ? Buffer.concat(Array.from({ length: 1000 }, () => binaryAnswer(request))) : undefined,
  },
};
