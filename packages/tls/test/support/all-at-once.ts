/** The client's last flight together with what it sends next. */
import type { Socket } from 'node:net';
import type { Rhythm } from './relay.ts';

/** What a record with application data says on the outside; under TLS 1.3 the Finished looks like that too. */
const APPLICATION_DATA = 23;

/**
 * Lets each ClientHello through and holds back what follows until `records` records of application data are complete, on
 * each of `clients` connections; what was held then leaves in one write for each, all in one turn.
 */
export function allAtOnce(records: number, clients = 1): () => Rhythm {
  let releases: (() => void)[] = [];
  return () => {
    let held: Buffer | undefined;
    let released = false;
    const release = (server: Socket, bytes: Buffer) => {
      if (recordTypes(bytes).filter((type) => type === APPLICATION_DATA).length < records) return;
      released = true;
      releases.push(() => server.write(bytes));
      if (releases.length < clients) return;
      for (const leave of releases) leave();
      releases = [];
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
      end: (server) => {
        server.end();
      },
    };
  };
}

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
