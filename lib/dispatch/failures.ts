/** The errors of operations that end before the server's answer: refused, out of time, or closed. */

import { Outcome, Status, isWrite, operationNames, type Op } from '../addon/record-layout';
import { Busy, ClientClosed, TimeoutError, describe, describeDeadline, returnCode, type ErrorDetails } from '../errors';
import type { Completion, PendingOperation } from './pending-operation';

export function closedError(operation: string): ClientClosed {
  return new ClientClosed(`${operation}: the client is closed`, { operation });
}

export function busyError(op: Op, wanted: number, inFlight: number, maxPending: number): Busy {
  const operation = operationNames[op];
  const more = wanted === 1 ? '' : `, and ${wanted} more were requested`;
  return new Busy(
    `${operation}: ${inFlight} operations are in flight${more} (maxPending is ${maxPending}): wait for some of them, or raise maxPending`,
    {
      operation,
    },
  );
}

/** `wasSent`: it is not known whether a write was applied. */
export function destroyedError(operation: PendingOperation, index: number, wasSent: boolean): ClientClosed {
  const details = toDetails(operation, index);
  details.outcomeUnknown = wasSent && isWrite(operation.op);
  return new ClientClosed(`${operationNames[operation.op]}: the client was destroyed`, details);
}

export function deadlineError(
  operation: PendingOperation,
  index: number,
  { server, timeout, wasSent }: { server: string; timeout: number; wasSent: boolean },
): TimeoutError {
  const details = toDetails(operation, index);
  details.server = server;
  details.retcode = returnCode('TIMEOUT');
  details.outcomeUnknown = wasSent && isWrite(operation.op);
  const doubt = details.outcomeUnknown ? '; the write may or may not have been applied' : '';
  return new TimeoutError(`${describe(details)}: ${describeDeadline(timeout, wasSent)}${doubt}`, details);
}

/** Whether a write may have been applied after all: what the server said, or did not say, leaves that open. */
export function mayBeApplied({ status, outcome }: Completion): boolean {
  return status === Status.Success || outcome === Outcome.Unknown;
}

function toDetails(operation: PendingOperation, index: number): ErrorDetails {
  const details: ErrorDetails = { operation: operationNames[operation.op] };
  const key = operation.keyAt(index);
  if (key !== undefined) details.key = key;
  return details;
}
