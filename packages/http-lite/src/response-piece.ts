/**
 * One piece of an answer on its way to the connection, with what stands around it.
 *
 * Rule: the caller's memory is kept only where he has promised that it does not change.
 */
import type { Connection } from '@sluice/reactor';

/** Whose memory a piece is in: the caller's, who may change it when the call has returned, or promised not to change. */
export type Memory = 'borrowed' | 'shared';

export interface Piece {
  readonly chunk: string | Uint8Array;
  /** Its bytes, 1 or more. */
  readonly size: number;
  readonly memory: Memory;
}

/** Hands over what stands before a piece, the piece, and what stands behind it. Whether the connection takes more. */
export function sendPiece(connection: Connection, before: string, piece: Piece, behind: string): boolean {
  if (before !== '') connection.write(before, 'latin1');
  const accepted = handOver(connection, piece);
  return behind === '' ? accepted : connection.write(behind, 'latin1');
}

function handOver(connection: Connection, { chunk, size, memory }: Piece): boolean {
  if (typeof chunk === 'string') return connection.write(chunk, size === chunk.length ? 'latin1' : 'utf8');
  return memory === 'shared' ? connection.writeShared(chunk) : connection.write(chunk);
}
