/**
 * The hard caps of the write queues: of one connection, and of all together.
 *
 * Rule: marks ask a writer to stop (`write` answers false); a cap is for the one that did not.
 */
import type { Connection } from './connection-contract.ts';
import { isWatched, publish } from './diagnostics.ts';
import { LimitError } from './errors.ts';
import type { Loop } from './loop.ts';

/** What ends a connection that has queued `queuedBytes`, counted and told; undefined while there is room. */
export function queueOverflow(
  { limits, counters }: Pick<Loop, 'limits' | 'counters'>,
  connection: Connection,
  queuedBytes: number,
): LimitError | undefined {
  const { maxQueuedBytes, maxTotalQueuedBytes } = limits;
  const { copiedBytes } = counters;
  const limit = queuedBytes > maxQueuedBytes ? 'queue' : 'total-queue';
  if (limit === 'total-queue' && copiedBytes <= maxTotalQueuedBytes) return undefined;
  const error =
    limit === 'queue'
      ? new LimitError(limit, queuedBytes, maxQueuedBytes)
      : new LimitError(limit, copiedBytes, maxTotalQueuedBytes);
  counters.limited[limit] += 1;
  if (isWatched('sluice.limit')) publish('sluice.limit', { limit, error, connection, address: undefined });
  return error;
}
