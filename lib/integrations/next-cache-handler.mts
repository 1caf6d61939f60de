// The ES face: the same module.
export * from './next-cache-handler.js';
