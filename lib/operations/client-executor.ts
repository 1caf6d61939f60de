/** Requests for one key or many, with keys as they are. */

import type { StoreOptions } from './arguments';
import type { Key } from '../options/keys';
import type { CountMultiOptions, MultiOptions } from './multi-operation';
import * as multi from './multi-executor';
import type { Decoder } from './operation';
import { Requests } from './executor';
import type { Op } from '../addon/record-layout';

export class ClientRequests extends Requests {
  readMulti(
    op: typeof Op.Get | typeof Op.Gets,
    keys: Iterable<Key>,
    decode: Decoder,
    options: MultiOptions | undefined,
  ): Promise<Map<Key, unknown>> {
    return multi.readMulti(this, op, keys, decode, options);
  }

  storeMulti(
    op: typeof Op.Set | typeof Op.Add,
    entries: unknown,
    options: (StoreOptions & MultiOptions) | undefined,
  ): Promise<Key[]> {
    return multi.storeMulti(this, op, entries, options);
  }

  deleteMulti(keys: Iterable<Key>, options: MultiOptions | undefined): Promise<boolean> {
    return multi.deleteMulti(this, keys, options);
  }

  countMulti(
    op: typeof Op.Incr | typeof Op.Decr,
    keys: Iterable<Key>,
    options: CountMultiOptions | undefined,
  ): Promise<Map<Key, number>> {
    return multi.countMulti(this, op, keys, options);
  }
}
