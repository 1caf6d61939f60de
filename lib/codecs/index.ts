import { pylibmcCodec } from './pylibmc';
import { rawCodec } from './raw';
import { structuredCodec } from './structured';

/** The codecs that come with the client, by name. */
export const codecs = Object.freeze({
  /** The default: pylibmc's flags; JSON for objects. */
  pylibmc: pylibmcCodec,
  /** As the default, but objects by node:v8: keeps Map, Set, Date and cycles; only Node can read those. */
  structured: structuredCodec,
  /** `{ data, flags }` as they are stored. */
  raw: rawCodec,
});
