import type { Codec } from './codec';
import { dalliCodec } from './dalli';
import { memcachedCodec } from './memcached';
import { memjsCodec } from './memjs';
import { phpCodec } from './php';
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
  /** PHP's memcached extension: its flags; JSON for objects; reads what PHP's own serializer wrote, too. */
  php: phpCodec,
  /** Ruby's dalli: Marshal, but bytes raw. */
  dalli: dalliCodec,
  /** npm's memcached: its flags and its escapes; JSON for objects. */
  memcached: memcachedCodec,
  /** npm's memjs: bytes. */
  memjs: memjsCodec,
});

export type CodecName = keyof typeof codecs;

/** The codec that an option names or is. @throws TypeError */
export function resolveCodec(given: unknown): Codec {
  if (given === undefined) return pylibmcCodec;
  if (typeof given === 'string') {
    if (Object.hasOwn(codecs, given)) return codecs[given as CodecName];
    throw new TypeError(`unknown codec ${JSON.stringify(given)}; valid names: ${Object.keys(codecs).join(', ')}`);
  }
  const isCodec =
    typeof given === 'object' &&
    given !== null &&
    typeof (given as Codec).serialize === 'function' &&
    typeof (given as Codec).deserialize === 'function';
  if (!isCodec) throw new TypeError('codec must be a name or an object with serialize and deserialize');
  return given as Codec;
}
