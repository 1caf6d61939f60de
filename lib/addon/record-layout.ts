/**
 * The records in which requests and completions cross into the native addon: the other half of
 * native/binding/record.h and native/core/{request,completion}.h. Change both.
 */

export const Op = {
  Get: 0,
  Gets: 1,
  Delete: 2,
  Touch: 3,
  Set: 4,
  Add: 5,
  Replace: 6,
  Append: 7,
  Prepend: 8,
  Cas: 9,
  Incr: 10,
  Decr: 11,
  Flush: 12,
  Stats: 13,
  Version: 14,
  Disconnect: 15,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Whether it may have changed something when it fails. */
export function isWrite(op: Op): boolean {
  return op >= Op.Delete && op <= Op.Flush;
}

/** What an operation is called in errors, by its Op. */
export const operationNames = [
  'get',
  'gets',
  'delete',
  'touch',
  'set',
  'add',
  'replace',
  'append',
  'prepend',
  'cas',
  'incr',
  'decr',
  'flushAll',
  'getStats',
  'version',
  'disconnectAll',
] as const;

/** Statuses that are not libmemcached's return codes. */
export const Status = {
  Success: 0,
  Expired: -1,
  Cancelled: -2,
  Closed: -3,
  ServerDown: -4,
  ServerDead: -5,
  BadTextKey: -6,
  BadCompression: -7,
  NotInThisProtocol: -8,
} as const;

export const Outcome = { Definite: 0, NotSent: 1, Unknown: 2 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
export const outcomeMask = 3;
export const inBlock = 4;
export const serverShift = 16;

export const shortRecordBytes = 24;
export const longRecordBytes = 48;

export const KeyFlag = { TextUnsafe: 1, HasPayload: 2, ForServer: 4 } as const;

export const completionWords = 8;

/** What happens to requests that are handed over: they wait; they are sent; they are sent, and the tick calls no more. */
export const Handover = { Keep: 0, Send: 1, EndTick: 2 } as const;
export type Handover = (typeof Handover)[keyof typeof Handover];

/** What is reported about a socket of Node's that a stream of the native side lies over. */
export const SocketEvent = { Connected: 0, Data: 1, Written: 2, Closed: 3 } as const;
export type SocketEvent = (typeof SocketEvent)[keyof typeof SocketEvent];

/** What is reported about a server: its state changed; its connection is being opened, is open, or could not be opened. */
export const ServerEvent = { State: 0, Connecting: 1, Connected: 2, NotConnected: 3 } as const;
export type ServerEvent = (typeof ServerEvent)[keyof typeof ServerEvent];
