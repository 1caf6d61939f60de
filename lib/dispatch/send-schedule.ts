/** When what was written is handed over: at the end of the tick, and in portions while the tick still calls. */

import { Handover } from '../addon/record-layout';
import type { SubmissionBuffer } from './submission-buffer';
import type { TickClock } from './tick-clock';
import { nextTick } from '../timing';

/**
 * Portions keep the server working while callers go on. Measured against one send a tick: half as much again at 10 in
 * flight, equal at 100. Each portion costs a system call, so it is a third of what is in flight: server, wire and client
 * then have one each.
 */
const portionShare = 3;
const minPortion = 3;

export class SendSchedule {
  readonly #buffer: SubmissionBuffer;
  readonly #clock: TickClock;
  #isScheduled = false;
  /** Requests written since something was sent. */
  #unsent = 0;
  readonly #onTickEnd = (): void => {
    this.endTick();
  };

  constructor(buffer: SubmissionBuffer, clock: TickClock) {
    this.#buffer = buffer;
    this.#clock = clock;
  }

  /** A request was written. */
  onWrite(): void {
    ++this.#unsent;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After everything that this tick still calls, promise reactions included.
    nextTick(this.#onTickEnd);
  }

  /** Sends a portion, if there is one. Between operations only: the keys of a multi-operation belong together. */
  sendPortion(inFlight: number): void {
    if (this.#unsent < minPortion || this.#unsent * portionShare < inFlight) return;
    this.#unsent = 0;
    this.#buffer.flush(Handover.Send);
  }

  /** Sends what was written, at the end of the tick or early. */
  endTick(): void {
    this.#isScheduled = false;
    this.#clock.endTick();
    this.#unsent = 0;
    this.#buffer.flush(Handover.EndTick);
  }

  /** Hands over what was written without sending it: the native side must know a request before it is cancelled. */
  keep(): void {
    if (this.#isScheduled) this.#buffer.flush(Handover.Keep);
  }
}
