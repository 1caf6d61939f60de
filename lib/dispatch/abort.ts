/** Waiting for an AbortSignal: one listener for each, however many operations have it. Node warns about more than ten. */

import { clearTimeout, setTimeout } from '../timing';

type Run = (reason: unknown) => void;

interface Listening {
  runs: Set<Run>;
  listener: () => void;
}

/** What is to be run, with the signal's reason, when it is aborted. */
const listenings = new WeakMap<AbortSignal, Listening>();

/**
 * Runs it with the signal's reason when it is aborted, unless the function that is returned was called before.
 *
 * @throws what an odd signal throws; then nothing is left behind
 */
export function onAbort(signal: AbortSignal, run: Run): () => void {
  const listening = listenings.get(signal) ?? listenTo(signal);
  const { runs, listener } = listening;
  runs.add(run);
  return () => {
    if (!runs.delete(run) || runs.size > 0 || listenings.get(signal) !== listening) return;
    listenings.delete(signal);
    try {
      signal.removeEventListener('abort', listener);
    } catch {
      // An odd signal: whoever has settled must not hear of it.
    }
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
  // First: it may throw, and then nothing is left behind.
  const removeListener = signal === undefined ? undefined : onAbort(signal, giveUp);
  // At least 1, which is what Node makes of less, with a warning since Node 21: the time may be over already.
  const timer = milliseconds === Infinity ? undefined : setTimeout(expire, Math.max(1, milliseconds));
  return () => {
    clearTimeout(timer);
    removeListener?.();
  };
}

function listenTo(signal: AbortSignal): Listening {
  const runs = new Set<Run>();
  const listener = (): void => {
    if (listenings.get(signal)?.runs === runs) listenings.delete(signal);
    const reason = reasonOf(signal);
    for (const run of runs) run(reason);
  };
  signal.addEventListener('abort', listener, { once: true });
  const listening = { runs, listener };
  listenings.set(signal, listening);
  return listening;
}

/** An odd signal's reason may throw: then that is the reason. Whoever waits has to hear of something. */
function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}
