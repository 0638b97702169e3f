/**
 * One piece of an answer on its way to the connection, with what stands around it.
 *
 * Rule: the caller's memory is kept only where he has promised that it does not change.
 */
import type { Connection } from '@sluice/reactor';

/** Whose memory a piece is in: the caller's, who may change it when the call has returned, or promised not to change. */
export type Memory = 'borrowed' | 'shared';

/** Text up to this length is joined with the head and leaves in one write. */
const JOIN_CHARACTERS = 8192;

/**
 * Hands over what stands before a piece, the piece, which has `size` bytes, and what stands behind it. Whether the connection
 * takes more.
 */
export function sendPiece(
  connection: Connection,
  before: string | Buffer,
  chunk: string | Uint8Array,
  size: number,
  behind: string,
  memory: Memory,
): boolean {
  if (typeof before !== 'string') {
    const accepted = connection.write(before);
    return size === 0 ? accepted : sendPiece(connection, '', chunk, size, behind, memory);
  }
  if (size === 0 || (typeof chunk === 'string' && size === chunk.length && size <= JOIN_CHARACTERS)) {
    // An empty piece never reaches the transport, be it text or bytes.
    const text = size === 0 ? before + behind : before + (chunk as string) + behind;
    return text === '' ? !connection.needsDrain : connection.write(text, 'latin1');
  }
  if (before !== '') connection.write(before, 'latin1');
  const accepted = handOver(connection, chunk, size, memory);
  return behind === '' ? accepted : connection.write(behind, 'latin1');
}

function handOver(connection: Connection, chunk: string | Uint8Array, size: number, memory: Memory): boolean {
  if (typeof chunk === 'string') return connection.write(chunk, size === chunk.length ? 'latin1' : 'utf8');
  return memory === 'shared' ? connection.writeShared(chunk) : connection.write(chunk);
}
