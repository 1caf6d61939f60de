/**
 * Timers and clocks, taken once, when the module is loaded. What a program puts in their places later (jest's and node:test's
 * fake timers) must not reach operations on real sockets: they would hang, or run out of time at once.
 */

import { performance } from 'node:perf_hooks';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

export const { setTimeout, clearTimeout, setImmediate } = timers;
/** Resolves after so many milliseconds. */
export const { setTimeout: sleep } = timersPromises;
export const nextTick = process.nextTick.bind(process);

/** Milliseconds of a clock that is never set back. */
export const now = performance.now.bind(performance);
/** Milliseconds since 1970, as servers count. */
export const wallClock = Date.now.bind(Date);
