/**
 * How the peer of a connection that we give up learns that it did not get everything.
 *
 * Rule: FIN says that this was all. A side of ours that has not ended in order is therefore reset (tcp(7), RFC 9293
 * §3.10.5), unless its transport has an end of its own that is then missing, as TLS has.
 */
import type { CloseReason } from './protocol.ts';
import type { Transport } from './transport.ts';
import type { WriteHalf } from './write-half.ts';

/** Whether the socket has to be closed with RST. A peer that broke off itself needs no telling. */
export function cutsShort(reason: CloseReason, half: WriteHalf, transport: Transport): boolean {
  if (half === 'ended' || transport.secure) return false;
  return reason === 'error' || reason === 'timeout' || reason === 'limit';
}
