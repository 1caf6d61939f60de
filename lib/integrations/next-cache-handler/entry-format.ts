/**
 * How an entry is stored: what JSON can say, behind its length in 4 bytes, and then the bytes that it has. Not with node:v8,
 * whose format lets whoever writes to the cache end the process.
 */

import type { NextEntry } from './types';

export interface StoredEntry extends NextEntry {
  /** The marks of its tags, as they were when it was made. */
  marks: Record<string, { hard: string; soft: string }>;
}

/** The members of Next's values that are bytes. */
const byteMembers = ['body', 'rscData', 'buffer'] as const;

interface Header {
  entry: Omit<StoredEntry, 'value'>;
  value: Record<string, unknown> | null;
  bytes: [member: (typeof byteMembers)[number], length: number][];
  /** Of `segmentData`, which is a map of bytes. */
  segments?: [path: string, length: number][];
}

type Bytes = Partial<Record<(typeof byteMembers)[number], Uint8Array>> & { segmentData?: Map<string, Uint8Array> };

export function packEntry({ value, ...entry }: StoredEntry): Buffer {
  const header: Header = { entry, value: value && { ...value }, bytes: [] };
  const parts: Uint8Array[] = [];
  const { segmentData, ...bytes } = (value ?? {}) as Bytes;
  for (const member of byteMembers) {
    const part = bytes[member];
    if (part === undefined) continue;
    delete header.value?.[member];
    header.bytes.push([member, part.length]);
    parts.push(part);
  }
  if (segmentData !== undefined) {
    delete header.value?.segmentData;
    header.segments = [...segmentData].map(([path, { length }]) => [path, length]);
    parts.push(...segmentData.values());
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...parts]);
}

/** @throws what JSON and Buffer do if it is not an entry */
export function unpackEntry(packed: Buffer): StoredEntry {
  let end = 4 + packed.readUInt32LE();
  const { entry, value, bytes, segments } = JSON.parse(packed.toString('utf8', 4, end)) as Header;
  const take = (length: number): Buffer => {
    end += length;
    if (end > packed.length) throw new RangeError('the entry is shorter than it says');
    return packed.subarray(end - length, end);
  };
  if (value === null) return { ...entry, value };
  for (const [member, length] of bytes) value[member] = take(length);
  if (segments !== undefined) value.segmentData = new Map(segments.map(([path, length]) => [path, take(length)]));
  return { ...entry, value: value as unknown as NextEntry['value'] };
}
