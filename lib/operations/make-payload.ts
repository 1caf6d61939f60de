import type { Payload } from '../dispatch/pending-operation';

/** Returns what goes past the codec, uncompressed. `number`: CAS token or delta. */
export function makePayload(value: string | Uint8Array, flags = 0, expiry = 0, number: number | bigint = 0): Payload {
  // Written out: spreading costs more than the rest of an operation.
  return { value, flags, expiry, minCompressLen: 0, compressLevel: -1, number };
}
