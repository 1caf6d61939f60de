/** The native client, the memory that it shares with this side, and the sockets that Node opens for it. */

import { native, type NativeClient, type NativeClientOptions } from '../addon/addon';
import { setImmediate } from '../timing';
import { SecureSockets } from '../topology/secure-sockets';
import type { TlsOptions } from '../options/tls-options';
import { sharedBytes, sharedRecords } from './completion-reader';

export interface NativeOptions extends Omit<NativeClientOptions, 'submission' | 'records' | 'bytes' | 'isTls'> {
  /** With TLS, and so. */
  tls?: TlsOptions | undefined;
}

/** `deliver`: called with a number of completions, and the large values that did not fit beside them. */
export function makeNativeClient(
  { tls, ...options }: NativeOptions,
  submission: ArrayBuffer,
  deliver: (count: number, blocks: readonly Buffer[] | undefined) => void,
): NativeClient {
  const sockets = tls === undefined ? undefined : new SecureSockets(tls);
  const client = new native.NativeClient({
    ...options,
    isTls: sockets !== undefined,
    submission: new Uint8Array(submission),
    records: sharedRecords,
    bytes: sharedBytes,
  });
  client.deliver = deliver;
  const resume = (): void => {
    client.resume();
  };
  // What is left to deliver lets the other phases of the event loop go first.
  client.yield = () => {
    setImmediate(resume);
  };
  sockets?.attach(client);
  return client;
}
