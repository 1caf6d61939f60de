/** Ctrl-C, SIGTERM, and q on a terminal: how commands that run on are ended in good order. */

/** Aborts `signal` at the first of them. Call `release` when the command is over. */
export interface Interruption {
  readonly signal: AbortSignal;
  release(): void;
}

const signals = ['SIGINT', 'SIGTERM'] as const;
const ctrlC = '\x03';

export function interruption(): Interruption {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  for (const name of signals) process.once(name, stop);
  const { stdin } = process;
  const onKey = (key: Buffer): void => {
    const typed = key.toString();
    if (typed === 'q' || typed === ctrlC) stop();
  };
  // Key by key, which also means that Ctrl-C is a character and no signal.
  const listens = stdin.isTTY && process.stdout.isTTY;
  if (listens) stdin.setRawMode(true).on('data', onKey);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, stop);
      if (listens) stdin.off('data', onKey).setRawMode(false).pause();
    },
  };
}
