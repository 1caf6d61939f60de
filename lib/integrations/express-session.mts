// The ES face: the same module.
export * from './express-session.js';
