// What TypeScript and C++ both have to know is the same in both: read from the headers.

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { native } from '../../lib/addon/addon';
import * as layout from '../../lib/addon/record-layout';

function header(name: string): string {
  return readFileSync(path.join(__dirname, '../../native', name), 'utf8');
}

/** `constexpr … kName = number;`, also over two lines. */
function constants(text: string): Record<string, number> {
  const found = [...text.matchAll(/constexpr\s+[\w:]+\s+k(\w+)\s*=\s*(-?\d+)\s*;/g)];
  return Object.fromEntries(found.map(([, name, number]): [string, number] => [name as string, Number(number)]));
}

function enumerators(text: string, name: string): Record<string, number> {
  const body = new RegExp(`enum class ${name}[^{]*\\{([^}]*)\\}`).exec(text)?.[1] ?? '';
  const found = [...body.matchAll(/(\w+) = (\d+),/g)];
  return Object.fromEntries(found.map(([, key, number]): [string, number] => [key as string, Number(number)]));
}

test('the operations', () => {
  expect(enumerators(header('core/request.h'), 'Op')).toEqual(layout.Op);
  expect(layout.operationNames).toHaveLength(Object.keys(layout.Op).length);
});

test('what is a write', () => {
  expect(header('core/request.h')).toContain('isWrite(Op op) { return op >= Op::Delete && op <= Op::Flush; }');
  const writes = Object.values(layout.Op).filter((op) => layout.isWrite(op));
  expect(writes).toEqual(Object.values(layout.Op).slice(layout.Op.Delete, layout.Op.Flush + 1));
});

test('the statuses of our own, and the outcomes', () => {
  const text = header('core/completion.h');
  const { NotFound, ...statuses } = constants(text);
  expect(statuses).toEqual(layout.Status);
  expect(NotFound).toBe(native.returnCodes.NOTFOUND);
  const outcomes = enumerators(text, 'Outcome');
  expect(outcomes).toEqual(layout.Outcome);
  expect(Math.max(...Object.values(outcomes))).toBeLessThanOrEqual(layout.outcomeMask);
});

test('what is reported about sockets', () => {
  const text = header('binding/node_stream.h').replace(/\b(\w+) = (\d+) \}/, '$1 = $2, }');
  expect(enumerators(text, 'Event')).toEqual(layout.SocketEvent);
});

test('what is reported about servers', () => {
  const text = header('memcached/cluster.h').replace(/\b(\w+) = (\d+) \}/, '$1 = $2, }');
  expect(enumerators(text, 'Kind')).toEqual(layout.ServerEvent);
});

test('the records', () => {
  const text = header('binding/record.h');
  expect(constants(text)).toMatchObject({
    ShortRecordBytes: layout.shortRecordBytes,
    RecordBytes: layout.longRecordBytes,
    HasDetails: layout.KeyFlag.HasPayload,
    ForServer: layout.KeyFlag.ForServer,
    Send: layout.Handover.Send,
    EndTick: layout.Handover.EndTick,
    CompletionWords: layout.completionWords,
    InBlock: layout.inBlock,
    ServerShift: layout.serverShift,
  });
  // In this order, as the submission buffer writes them and the completion reader reads them.
  const members = (name: string): string[] => {
    const body = new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
    return [...body.matchAll(/^\s*(?:std::\w+|double) (\w+);/gm)].map(([, member]) => member as string);
  };
  expect(members('RequestRecord')).toEqual([
    ...['op', 'compressLevel', 'keyFlags', 'replica', 'slot', 'keyLength', 'valueLength', 'deadline'],
    ...['flags', 'expiry', 'minCompress', 'staged', 'number'],
  ]);
  expect(members('CompletionRecord')).toEqual([...['slot', 'status', 'kind', 'flags', 'offset', 'length', 'number']]);
});

test('the metrics', () => {
  // Their number: a count that is added on one side only shifts what follows.
  const client = new native.NativeClient({
    servers: [{ transport: 1, host: '127.0.0.1', port: 1, weight: 1 }],
    binary: false,
    behaviors: {},
    timeout: 1000,
    inflate: true,
    maxInflated: 1000,
    submission: new Uint8Array(1024),
    records: new Uint32Array(64),
    bytes: new Uint8Array(1024),
  });
  try {
    const [numbers] = client.metrics();
    const counters = 13;
    expect(numbers).toHaveLength(counters + layout.operationNames.length + native.latencyBounds.length + 1);
  } finally {
    client.stop();
  }
});
