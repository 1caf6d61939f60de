/** Waiting for an AbortSignal: one listener for each, however many operations have it. Node warns about more than ten. */

type Run = () => void;

/** What is to be run when a signal is aborted. */
const waiting = new WeakMap<AbortSignal, Set<Run>>();

/** Runs it when the signal is aborted, unless the function that is returned was called before. */
export function onAbort(signal: AbortSignal, run: Run): () => void {
  const runs = waiting.get(signal) ?? listenTo(signal);
  runs.add(run);
  return () => {
    if (!runs.delete(run) || runs.size > 0 || waiting.get(signal) !== runs) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', abortAll);
  };
}

/**
 * Calls `giveUp` when the time is over (milliseconds; Infinity: never), with what `late` makes, or with the signal's reason
 * when that is aborted. The function that is returned takes both back.
 */
export function giveUpWhen(
  { milliseconds, late, signal }: { milliseconds: number; late: () => Error; signal: AbortSignal | undefined },
  giveUp: (reason: unknown) => void,
): () => void {
  const expire = (): void => {
    giveUp(late());
  };
  const timer = milliseconds === Infinity ? undefined : setTimeout(expire, milliseconds);
  const removeListener =
    signal === undefined
      ? undefined
      : onAbort(signal, () => {
          giveUp(signal.reason);
        });
  return () => {
    clearTimeout(timer);
    removeListener?.();
  };
}

function listenTo(signal: AbortSignal): Set<Run> {
  const runs = new Set<Run>();
  signal.addEventListener('abort', abortAll, { once: true });
  waiting.set(signal, runs);
  return runs;
}

function abortAll(event: Event): void {
  const signal = event.target as AbortSignal;
  const runs = waiting.get(signal) ?? new Set<Run>();
  waiting.delete(signal);
  for (const run of runs) run();
}
