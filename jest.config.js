'use strict';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/lib', '<rootDir>/test'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/native/', '<rootDir>/test/types/'],
  // Tests import the TypeScript sources, so that stack traces, breakpoints and coverage point at them.
  // No .mts here: '../../lib/index' must mean lib/index.ts, not the ES module face beside it.
  moduleFileExtensions: ['js', 'ts', 'json', 'node'],
  moduleNameMapper: {
    // Node's own rules want './codec.js' for codec.ts; jest looks for the file as it is called.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    // swc only strips types (several times faster than ts-jest); `npm run test:types` checks them.
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 30_000,
  maxWorkers: 2,
  collectCoverageFrom: ['lib/**/*.ts'],
};
