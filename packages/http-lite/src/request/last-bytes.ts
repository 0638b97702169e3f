/**
 * How a connection leaves that may still have to send.
 *
 * Rule: `close()` is for connections that have sent everything, or nearly: its deadline also ends the sending, and would cut
 * a long answer to a slow peer, of whom the reactor's minimum rate asks far less.
 */
import type { Connection } from '@sluice/reactor';

/** What a socket takes at once that takes anything: the default send buffer of tcp(7), `tcp_wmem`. */
const ONE_BUFFER_BYTES = 16 * 1024;

/** Ends a connection whose last answer is written. Returns what its peer owes after that: room, or nothing. */
export function leave(connection: Connection): 'nothing' | 'flush' {
  if (leavesAtOnce(connection)) {
    connection.close();
    return 'nothing';
  }
  connection.end();
  return 'flush';
}

/** Whether the rest of the answer has left, or does so with the next write. */
function leavesAtOnce({ writeHalf, needsDrain, queuedBytes }: Connection): boolean {
  if (writeHalf === 'ended') return true;
  return writeHalf === 'ready' && !needsDrain && queuedBytes <= ONE_BUFFER_BYTES;
}

/** Whether a part of an answer has still to leave. */
export function isSending({ queuedBytes, queuedFileBytes }: Connection): boolean {
  return queuedBytes > 0 || queuedFileBytes > 0;
}
