/** Arguments of memjs' methods as it sends them. Buffer's own errors say what is wrong, as with memjs. */

/** Its name for what the serializer is asked for. */
export const opcodes = { get: 0, set: 1, add: 2, replace: 3, append: 0x0e, prepend: 0x0f } as const;

/** @throws TypeError for what is neither text nor bytes */
export function toBytes(value: unknown): string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value : Buffer.from(value as string);
}

/** What a write has before its key: flags, and the time. @throws RangeError */
export function writeExtras(expires: number): Buffer {
  const extras = Buffer.alloc(8);
  extras.writeUInt32BE(expires, 4);
  return extras;
}

export function readExtras(extras: Buffer): { flags: number; time: number } {
  return { flags: extras.readUInt32BE(0), time: extras.readUInt32BE(4) };
}

/** Returns what 32 bits hold of it. @throws RangeError */
export function toUint32(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.readUInt32BE();
}

export function flagBytes(flags: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(flags);
  return bytes;
}

/** memjs' placement: of the key's UTF-16 code units. */
export function hashCode(key: string): number {
  let hash = 0;
  for (let index = 0; index < key.length; index += 1) hash = (Math.imul(31, hash) + key.charCodeAt(index)) | 0;
  return Math.abs(hash);
}

/** Returns the first that is neither absent nor empty nor 0: memjs takes those for "not given". */
export function firstOf<T extends string | number>(...values: (T | null | undefined)[]): T | undefined {
  return values.find(Boolean) ?? undefined;
}
