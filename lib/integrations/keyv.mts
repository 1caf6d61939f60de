// The ES face: the same module.
export * from './keyv.js';
