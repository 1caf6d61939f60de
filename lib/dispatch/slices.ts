/** Long work on the JavaScript thread, in slices: timers and sockets get their turn in between. */

import { now, setImmediate } from '../timing';

/** Milliseconds of one slice. As long again may go to the promise reactions that it causes. */
const maxSliceMs = 5;
/** The clock is read once for this many steps, each of which may make an error. */
const stepsPerClockReading = 64;

/** Runs `step` until it returns false. The first slice runs at once, each of the others in a turn of the loop of its own. */
export function runInSlices(step: () => boolean): void {
  const end = now() + maxSliceMs;
  do {
    for (let steps = 0; steps < stepsPerClockReading; ++steps) if (!step()) return;
  } while (now() < end);
  setImmediate(runInSlices, step);
}
