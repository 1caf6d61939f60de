// The ES face: the same module, so that there is one addon instance and one set of classes behind both.
export * from './index.js';
