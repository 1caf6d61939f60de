/** What the parts of one client have in common. */

import type { OperationExecutor } from './executor';
import type { OperationContext } from './key-operations';

export interface ClientContext extends OperationContext {
  readonly executor: OperationExecutor;
}
