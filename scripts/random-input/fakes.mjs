// What programs and tests put in the places of Node's globals: for the time of some calls.

const replaced = {
  setTimeout: () => 0,
  setImmediate: () => 0,
  clearTimeout: () => undefined,
  queueMicrotask: () => undefined,
  performance: { now: () => 0 },
  AbortSignal: class {},
  structuredClone: undefined,
};

/** Puts one in its place; the function that is returned takes it back. */
export function fake(values) {
  const kind = values.below(5);
  if (kind === 0) {
    const name = values.pick(Object.keys(replaced));
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value: replaced[name], configurable: true, writable: true });
    return () => Object.defineProperty(globalThis, name, descriptor);
  }
  if (kind === 1) {
    const { now } = Date;
    Date.now = () => values.number();
    return () => (Date.now = now);
  }
  if (kind === 2) {
    const { nextTick } = process;
    process.nextTick = () => undefined;
    return () => (process.nextTick = nextTick);
  }
  if (kind === 3) {
    const name = values.pick(['polluted', 'toJSON', 'extra', 'ketama']);
    Object.defineProperty(Object.prototype, name, {
      value: name === 'toJSON' ? undefined : 1,
      enumerable: true,
      configurable: true,
    });
    return () => delete Object.prototype[name];
  }
  const { now } = performance;
  performance.now = () => 0;
  return () => (performance.now = now);
}
