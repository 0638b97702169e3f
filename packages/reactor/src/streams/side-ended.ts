/**
 * When our side of a connection has ended: everything has left, close_notify and FIN included.
 *
 * Rule: stands in for a hook that protocols do not have, and is the only place that knows how. It looks on when the
 * transport is told to end our side, and changes nothing.
 */
import type { Connection } from '../connection-contract.ts';

/**
 * Ends our side, and calls `told` once that has left: in the middle of a dispatch, so it must not do much. Never called where
 * the connection closes before; `onClose` tells that.
 */
export function endSide(conn: Connection, told: () => void): void {
  const { transport } = conn;
  const { shutdownWrite } = transport;
  transport.shutdownWrite = () => {
    const progress = shutdownWrite.call(transport);
    if (progress === 0) {
      transport.shutdownWrite = shutdownWrite;
      told();
    }
    return progress;
  };
  conn.end();
}
