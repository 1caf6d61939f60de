// Key names that no other test uses, in this process or another one.

let count = 0;

export function uniqueKey(prefix = 'key'): string {
  return `${prefix}-${String(process.pid)}-${String(++count)}-${Date.now().toString(36)}`;
}
