/** Names a value's type, for messages about a wrong one. Never throws, whatever the value's getters do. */
export function describeType(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  try {
    if (Array.isArray(value)) return 'an array';
    const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
    return typeof name !== 'string' || name === 'Object' ? 'an object' : `an object (${name})`;
  } catch {
    return 'an object';
  }
}
