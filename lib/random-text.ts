/** Text that nobody else makes. By Web Crypto, which is there already: loading node:crypto takes milliseconds. */
export function randomText(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('base64url');
}
