// The ES face of lib/otel.ts.
export * from './otel.js';
