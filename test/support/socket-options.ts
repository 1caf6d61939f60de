// What the kernel knows about the sockets that a client has opened in this process. A Python child inherits them and asks:
// Node has no getsockopt.

import { readdirSync, readlinkSync } from 'node:fs';
import { runPylibmc } from './python';

export interface SocketOptions {
  /** TCP_NODELAY */
  noDelay: boolean;
  /** SO_KEEPALIVE */
  keepAlive: boolean;
  /** TCP_KEEPIDLE and TCP_KEEPINTVL, in seconds. */
  keepIdle: number;
  keepInterval: number;
  /** SO_LINGER, in seconds; null: off. */
  linger: number | null;
  /** SO_SNDTIMEO, in microseconds; 0: none. */
  sendTimeout: number;
  /** SO_RCVTIMEO, in microseconds; 0: none. */
  receiveTimeout: number;
  /** SO_SNDBUF as Linux counts: twice what was asked for. */
  sendBuffer: number;
  /** SO_RCVBUF, as sendBuffer. */
  receiveBuffer: number;
  /** TCP_INFO: segments with data that have left. */
  segmentsOut: number;
}

const ASK = `
import json, os, socket, struct, sys

def microseconds(option):
    seconds, rest = struct.unpack('ll', s.getsockopt(socket.SOL_SOCKET, option, 16))
    return seconds * 1000000 + rest

found = []
for descriptor in range(3, 3 + int(sys.argv[2])):
    s = socket.socket(fileno=descriptor)
    try: peer = s.getpeername()
    except OSError: continue
    if s.family not in (socket.AF_INET, socket.AF_INET6) or peer[1] != int(sys.argv[1]): continue
    on, seconds = struct.unpack('ii', s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    found.append({
        'noDelay': s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0,
        'keepAlive': s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0,
        'keepIdle': s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
        'keepInterval': s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
        'linger': seconds if on else None,
        'sendTimeout': microseconds(socket.SO_SNDTIMEO),
        'receiveTimeout': microseconds(socket.SO_RCVTIMEO),
        'sendBuffer': s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
        'receiveBuffer': s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
        # tcpi_data_segs_out (linux/tcp.h)
        'segmentsOut': struct.unpack_from('I', s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232), 156)[0],
    })
print(json.dumps(found))
`;

/** Of every connection from this process to a TCP port of this machine, the oldest first. */
export async function socketOptions(server: { readonly port: number }): Promise<SocketOptions[]> {
  const descriptors = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => isSocket(descriptor))
    .sort((first, second) => first - second);
  const args = [String(server.port), String(descriptors.length)];
  return (await runPylibmc(ASK, args, descriptors)) as SocketOptions[];
}

function isSocket(descriptor: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${String(descriptor)}`).startsWith('socket:');
  } catch {
    return false; // it was the one that read the folder
  }
}
