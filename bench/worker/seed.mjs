/**
 * Stores entries through the client under test, for only it knows how it marks its types; not so many at once that a
 * client would choke on it before it is even measured.
 */
export async function seed(adapter, entries, size) {
  const atOnce = Math.max(2, Math.min(50, Math.floor(1_000_000 / size)));
  const left = entries[Symbol.iterator]();
  const loops = Array.from({ length: atOnce }, async () => {
    for (const [key, value] of left) {
      if (!adapter.ok(await adapter.set(key, value))) throw new Error(`set of ${key} was refused`);
    }
  });
  await Promise.all(loops);
}
