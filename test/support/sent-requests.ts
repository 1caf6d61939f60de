// Requests as they were sent: enough of both protocols to tell what they are.

export const Opcode = {
  Get: 0x00,
  Set: 0x01,
  Add: 0x02,
  Replace: 0x03,
  Delete: 0x04,
  Increment: 0x05,
  GetQ: 0x09,
  Version: 0x0b,
  GetK: 0x0c,
  GetKQ: 0x0d,
  Append: 0x0e,
  Prepend: 0x0f,
  SetQ: 0x11,
  AddQ: 0x12,
  ReplaceQ: 0x13,
  AppendQ: 0x19,
  PrependQ: 0x1a,
  Touch: 0x1c,
} as const;

const HEADER = 24;

export interface BinaryRequest {
  opcode: number;
  key: string;
}

/** @throws if the bytes are not whole requests */
export function binaryRequests(bytes: Buffer): BinaryRequest[] {
  const requests: BinaryRequest[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== 0x80) throw new Error(`no request at ${String(at)}: ${bytes.toString('latin1', at, at + 40)}`);
    const keyLength = bytes.readUInt16BE(at + 2);
    const keyAt = at + HEADER + bytes.readUInt8(at + 4);
    requests.push({ opcode: bytes.readUInt8(at + 1), key: bytes.toString('utf8', keyAt, keyAt + keyLength) });
    at += HEADER + bytes.readUInt32BE(at + 8);
  }
  return requests;
}

export interface TextRequest {
  command: string;
  /** The first one. */
  key: string;
  noReply: boolean;
}

export function textRequests(bytes: Buffer): TextRequest[] {
  const requests: TextRequest[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) throw new Error(`no end of line: ${bytes.toString('latin1', at, at + 40)}`);
    const words = bytes.toString('utf8', at, end).trim().split(' ');
    const [command = '', key = ''] = words;
    requests.push({ command, key, noReply: words.at(-1) === 'noreply' });
    const hasValue = ['set', 'add', 'replace', 'append', 'prepend', 'cas'].includes(command);
    at = end + 2 + (hasValue ? Number(words[4]) + 2 : 0);
  }
  return requests;
}
