/** The native client, and the memory that it shares with this side. */

import { native, type NativeClient, type NativeClientOptions } from '../addon/addon';
import { setImmediate } from '../timing';
import { sharedBytes, sharedRecords } from './completion-reader';

export type NativeOptions = Omit<NativeClientOptions, 'submission' | 'records' | 'bytes'>;

/** `deliver`: called with a number of completions, and the large values that did not fit beside them. */
export function makeNativeClient(
  options: NativeOptions,
  submission: ArrayBuffer,
  deliver: (count: number, blocks: readonly Buffer[] | undefined) => void,
): NativeClient {
  const client = new native.NativeClient({
    ...options,
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
  return client;
}
