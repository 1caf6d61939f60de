// The ES face of otel.ts.
export * from './otel.js';
