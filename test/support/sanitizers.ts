// The tests also run with an addon that is built with a sanitizer, whose runtime is preloaded into Node
// (scripts/test-sanitized.mjs). Child processes need its environment, or must not have it.

const { LD_PRELOAD, ...others } = process.env;

/** For programs that are none of ours: a server would be slow with it, and is not what we test. */
export const plainEnvironment: NodeJS.ProcessEnv = others;

/**
 * What a child process that loads the addon needs beside a PATH. Empty without a sanitizer. Leaks are not looked for at its
 * end, which may take seconds: that is for the tests' own process.
 */
export const sanitizerEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  ['LD_PRELOAD', 'SANITIZED_ADDON', 'NODE_OPTIONS', 'ASAN_OPTIONS', 'LSAN_OPTIONS', 'UBSAN_OPTIONS']
    .map((name) => [name, process.env[name]] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, name === 'ASAN_OPTIONS' ? `${value ?? ''}:detect_leaks=0` : value]),
);

/** How much longer things may take. */
export const slowness = LD_PRELOAD === undefined ? 1 : 5;
