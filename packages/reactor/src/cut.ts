/**
 * How the peer of a connection that we give up learns that it did not get everything.
 *
 * Rule: FIN says that this was all. Where it was not our side is reset (tcp(7), RFC 9293 §3.10.5), unless the transport has
 * an end of its own that is then missing, as TLS has.
 */
import type { CloseReason } from './protocol.ts';
import type { ReadSide } from './read-side.ts';
import type { Transport } from './transport.ts';
import type { WriteSide } from './write-side.ts';

/**
 * Whether the socket has to be closed with RST: after an error, for nobody knows what was still to come, and when what was
 * written cannot leave any more. A peer that broke off itself needs no telling. Of what is in the socket unread the kernel
 * tells by itself; not of what was read ahead.
 */
export function cutsShort(
  reason: CloseReason,
  reading: ReadSide,
  writing: WriteSide,
  transport: Transport,
): boolean {
  if (transport.secure) return false;
  if (reading.unread.length > 0) return true;
  if (writing.half === 'ended') return false;
  if (reason === 'error') return true;
  return (reason === 'timeout' || reason === 'limit') && (writing.queuedBytes > 0 || writing.hasFiles);
}
