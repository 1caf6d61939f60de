import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** The rooms of lib/: each imports from those before it only. The files that stand in none come before all but addon/, see leafRules. */
const rooms = [
  'addon',
  'codecs',
  'options',
  'observability',
  'topology',
  'dispatch',
  'operations',
  'read-through',
  'namespace',
  'integrations',
  'cli',
];
const publicIndex = { message: 'Import what users of the package can: the public index.' };
const roomRules = rooms.map((room, position) => ({
  files: [`lib/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...(room === 'integrations' || room === 'cli'
            ? [{ regex: '^\\.\\./(?!index(\\.js)?$)', ...publicIndex }]
            : [
                {
                  regex: `^\\.\\./(${rooms.slice(position + 1).join('|')}|client|client-pool|index${room === 'addon' ? '|errors' : ''})(/|\\.|$)`,
                  message: `Imports between the rooms of lib/ run one way: ${rooms.join(' ← ')}.`,
                },
              ]),
        ],
      },
    ],
  },
}));
const nestedRules = {
  files: ['lib/cli/commands/*.ts', 'lib/integrations/*/*.ts'],
  rules: {
    'no-restricted-imports': ['error', { patterns: [{ regex: '^\\.\\./\\.\\./(?!index(\\.js)?$)', ...publicIndex }] }],
  },
};
const leafRules = {
  files: ['bytes', 'describe-type', 'errors', 'random-text', 'timing', 'weak-timer', 'well-formed'].map(
    (name) => `lib/${name}.ts`,
  ),
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '^\\./(?!addon/|bytes$|errors$|timing$)', message: 'Every room imports this file.' }] },
    ],
  },
};

export default defineConfig(
  globalIgnores([
    'node_modules/',
    'build/',
    'build-cmake/',
    'build-prebuild/',
    'packages/',
    'dist/',
    'coverage/',
    'docs-site/',
    'native/',
    '.cache/',
  ]),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    // A parameter that is there for the signature says so by its name.
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    files: ['**/*.mjs', 'test/bundlers/app/**/*.js', 'test/next/app/**/*.js'],
    extends: [js.configs.recommended],
    // JSX is for Next's application.
    languageOptions: { globals: globals.nodeBuiltin, parserOptions: { ecmaFeatures: { jsx: true } } },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    ignores: ['test/bundlers/app/**', 'test/next/app/**'],
    extends: [js.configs.recommended],
    languageOptions: {
      sourceType: 'commonjs',
      globals: globals.node,
    },
  },
  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      // The test configuration includes the library, too.
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-unused-vars': 'off', // its typed twin does it
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // A number in a message is what it looks like.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `x as T` where an index is known to be in range: `!` is forbidden by strictTypeChecked itself.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    },
  },
  {
    files: ['examples/nestjs.mts'],
    rules: { '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }] },
  },
  ...roomRules,
  nestedRules,
  leafRules,
  {
    files: ['test/**/*.ts', 'test/**/*.mts'],
    rules: {
      // `expect(mock.method)` is not a call.
      '@typescript-eslint/unbound-method': 'off',
      // Tests pass what the types forbid on purpose, and read answers of any shape.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
