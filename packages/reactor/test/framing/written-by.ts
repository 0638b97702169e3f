/** What a connection was told to write. */
import type { Connection } from '../../src/index.ts';

/** The bytes of each `conn.write`, those of one dispatch joined, as latin1. */
export function writtenBy(act: (conn: Connection) => void): string[] {
  const pieces: Buffer[] = [];
  const conn = {
    write(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8') {
      pieces.push(typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data));
      return true;
    },
  };
  act(conn as Connection);
  return pieces.length === 0 ? [] : [Buffer.concat(pieces).toString('latin1')];
}
