/**
 * The hard caps of the write queues: of one connection, and of all together.
 *
 * Rule: marks ask a writer to stop (`write` answers false); a cap is for the one that did not.
 */
import { LimitError } from './errors.ts';
import type { Loop } from './loop.ts';

/** The cap that a connection with `queuedBytes` has reached, counted; undefined when there is room. */
export function reachedCap(
  { limits, counters }: Pick<Loop, 'limits' | 'counters'>,
  queuedBytes: number,
): { readonly limit: 'queue' | 'total-queue'; readonly error: LimitError } | undefined {
  if (queuedBytes > limits.maxQueuedBytes) {
    counters.limited.queue += 1;
    return { limit: 'queue', error: new LimitError('queue', queuedBytes, limits.maxQueuedBytes) };
  }
  const { copiedBytes } = counters;
  if (copiedBytes <= limits.maxTotalQueuedBytes) return undefined;
  counters.limited['total-queue'] += 1;
  return {
    limit: 'total-queue',
    error: new LimitError('total-queue', copiedBytes, limits.maxTotalQueuedBytes),
  };
}
