/** Keys and values, made before anything is measured and the same in every process. */

// More keys than are ever in flight, taken in turn: no two operations in flight share a key (a client may merge those),
// and a wrong answer shows, since each value names its key.
const MOST_KEYS = 10_000;
// Large values: fewer keys, so that neither this process nor the server is about memory.
const MOST_BYTES = 32_000_000;

export function makeData({ size, values, keys: perOperation = 1 }) {
  const count = Math.min(MOST_KEYS, Math.max(Math.floor(MOST_BYTES / size), 2 * perOperation, 20));
  const keys = Array.from({ length: count }, (_, index) => flat(`bench:item:${index}`));
  const make = values === 'buffer' ? bytes : text;
  return { keys, values: keys.map((key, index) => make(key, index, size)), size };
}

function text(key, index, size) {
  const letters = 'The quick brown fox jumps over the lazy dog, again and again. ';
  const filler = letters.repeat(Math.ceil(size / letters.length) + 1);
  return flat(`${key}=${filler.slice(index % letters.length)}`.slice(0, size));
}

/** Every byte value, like a picture or compressed data would have. */
function bytes(_key, index, size) {
  const buffer = Buffer.allocUnsafeSlow(size);
  let state = (index + 1) * 2654435761;
  for (let at = 0; at < size; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    buffer[at] = state;
  }
  return buffer;
}

/** V8 keeps joined and sliced strings as references to their parts; whoever writes them first would pay for that. */
function flat(string) {
  return Buffer.from(string).toString('latin1');
}
