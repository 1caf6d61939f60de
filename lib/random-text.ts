/** Random, unguessable text. Web Crypto is loaded already; node:crypto takes milliseconds. */
export function randomText(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('base64url');
}
