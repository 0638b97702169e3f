/** The client's last flight together with what it sends next. */
import type { Socket } from 'node:net';
import type { Rhythm } from './relay.ts';

/** Content types of the records in `bytes`, complete ones only (RFC 8446 section 5.1). */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const next = at + 5 + bytes.readUInt16BE(at + 3);
    if (next > bytes.length) break;
    types.push(bytes[at]!);
    at = next;
  }
  return types;
}

/** What a record with application data says on the outside; under TLS 1.3 the Finished looks like that too. */
const APPLICATION_DATA = 23;

/**
 * Lets the ClientHello through and holds back what follows until `records` records of application data are complete;
 * those leave in one write, with the FIN if the client has ended by then.
 */
export function allAtOnce(records: number): Rhythm {
  let held: Buffer | undefined;
  let ended = false;
  let released = false;
  const release = (server: Socket, bytes: Buffer) => {
    if (recordTypes(bytes).filter((type) => type === APPLICATION_DATA).length < records) return;
    released = true;
    server.write(bytes);
    if (ended) server.end();
  };
  return {
    data(chunk, server) {
      if (released) server.write(chunk);
      else if (held === undefined) {
        server.write(chunk);
        held = Buffer.alloc(0);
      } else {
        held = Buffer.concat([held, chunk]);
        release(server, held);
      }
    },
    end(server) {
      ended = true;
      if (released) server.end();
    },
  };
}
