/**
 * What a cap costs a connection, counted and told: the hard caps of the write queues, and those that keep newcomers out.
 *
 * Rule: marks ask a writer to stop (`write` answers false); a cap is for the one that did not.
 */
import type { Connection } from './connection-contract.ts';
import type { LimitName } from './counters.ts';
import { isWatched, publish } from './diagnostics.ts';
import { LimitError } from './errors.ts';
import type { Loop } from './loop.ts';

type Counting = Pick<Loop, 'limits' | 'counters'>;

/** What ends a connection that has queued `queuedBytes`, counted and told; undefined while there is room. */
export function queueOverflow(
  loop: Counting,
  connection: Connection,
  queuedBytes: number,
): LimitError | undefined {
  const { maxQueuedBytes, maxTotalQueuedBytes } = loop.limits;
  const { copiedBytes } = loop.counters;
  if (queuedBytes > maxQueuedBytes) {
    const message = `${queuedBytes} bytes are queued and the cap is ${maxQueuedBytes}. ${advice('maxQueuedBytes')}`;
    return told(loop, connection, 'queue', new LimitError('ERR_WRITE_QUEUE_FULL', message));
  }
  if (copiedBytes <= maxTotalQueuedBytes) return undefined;
  const message = `${copiedBytes} bytes are queued in all connections of this reactor and the cap is ${maxTotalQueuedBytes}. ${advice('maxTotalQueuedBytes')}`;
  return told(loop, connection, 'total-queue', new LimitError('ERR_TOTAL_QUEUE_FULL', message));
}

/** What ends a connection whose peer has not gone on with its handshake, and whose place is wanted. */
export function handshakeStalled(loop: Counting, connection: Connection, ageMs: number): LimitError {
  const message = `The handshake was ${ageMs} ms old, waited for the peer, and gave its place to a newcomer. Raise stalledHandshakeMs if peers need longer, or the cap that was reached (maxHandshakes, maxConnections, descriptors).`;
  return told(loop, connection, 'stalled-handshake', new LimitError('ERR_HANDSHAKE_STALLED', message));
}

function advice(cap: string): string {
  return `Stop writing when write() answers false and go on in onDrain, or raise ${cap}.`;
}

function told(
  { counters }: Counting,
  connection: Connection,
  limit: LimitName,
  error: LimitError,
): LimitError {
  counters.limited[limit] += 1;
  if (isWatched('sluice.limit')) publish('sluice.limit', { limit, error, connection, address: undefined });
  return error;
}
