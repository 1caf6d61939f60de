/** When what was written is handed over: at the end of the tick, and in portions while the tick still calls. */

import { Handover } from '../addon/record-layout';
import type { SubmissionBuffer } from './submission-buffer';
import type { TickClock } from './tick-clock';
import { nextTick } from '../timing';

interface Portions {
  /** A portion is what is in flight, divided by this. */
  readonly share: number;
  /** Requests: no portion has fewer. */
  readonly least: number;
}

/**
 * Portions keep the server working while callers go on. Measured against one send a tick: half as much again at 10 in
 * flight, equal at 100. Each portion costs a system call, so it is a third of what is in flight: server, wire and client
 * then have one each.
 */
const portionsOfTcp: Portions = { share: 3, least: 3 };
/** Over TLS each costs a record and Node's way to the socket, too. At 10 in flight, against thirds: get 1.2, set 1.25 times. */
const portionsOfTls: Portions = { share: 2, least: 5 };

export class SendSchedule {
  readonly #buffer: SubmissionBuffer;
  readonly #clock: TickClock;
  readonly #portions: Portions;
  #isScheduled = false;
  /** Requests written since something was sent. */
  #unsent = 0;
  readonly #onTickEnd = (): void => {
    this.endTick();
  };

  constructor(buffer: SubmissionBuffer, clock: TickClock, isTls: boolean) {
    this.#buffer = buffer;
    this.#clock = clock;
    this.#portions = isTls ? portionsOfTls : portionsOfTcp;
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
    const { share, least } = this.#portions;
    if (this.#unsent < least || this.#unsent * share < inFlight) return;
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
