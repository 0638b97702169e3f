/** What is said of connections that do not leave although their peers have: what each waits for, and who has to do it. */
import type { Connection } from '../../connection-contract.ts';

export function leftOpen(connections: readonly Connection[]): string {
  const lines = connections.map((conn) => `  connection ${conn.id}: ${stateOf(conn)}`);
  return [
    `${connections.length === 1 ? 'a connection is' : `${connections.length} connections are`} still open although the peer has ended its side and reads on:`,
    ...lines,
    'A protocol leaves by conn.end(), conn.close() or conn.destroy() (in onEnd, at the latest). Where a test means it to stay open, let the test close it.',
  ].join('\n');
}

function stateOf(conn: Connection): string {
  if (conn.readHalf === 'paused') return 'it has paused, so that onEnd waits for resume()';
  if (conn.queuedBytes > 0) return `${conn.queuedBytes} bytes are queued`;
  if (conn.readHalf === 'ended') return 'onEnd has been called, and our side was not ended';
  return `lifecycle ${conn.lifecycle}, read half ${conn.readHalf}, write half ${conn.writeHalf}`;
}
