/**
 * A peer that is a connection of our own and writes down what comes. Node's own sockets make an end of a reset that comes together
 * with data (libuv before its #4997): they cannot tell a stream that was cut from one that is complete.
 */
import { type CloseReason, type Connection, createReactor, type Server } from '../../src/index.ts';
import { afterwards } from './stream-server.ts';

/** How a side came to its end: told in order by a FIN, or broken. */
export interface WireEnd {
  readonly text: string;
  readonly hasEnded: boolean;
  readonly reason: CloseReason;
  readonly code: string | undefined;
}

export interface WirePeer {
  readonly conn: Connection<unknown>;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<WireEnd>;
}

/** Connects to `server`, and sends `hello` with the handshake's last packet or just behind. */
export async function wirePeer(server: Server, hello = ''): Promise<WirePeer> {
  const chunks: Buffer[] = [];
  let hasEnded = false;
  let close = (_end: WireEnd) => {};
  const closed = new Promise<WireEnd>((resolve) => {
    close = resolve;
  });
  const reactor = createReactor({ poisonReads: true });
  afterwards(() => reactor.shutdown({ deadlineMs: 0 }));
  const conn = await reactor.connect(
    { host: '127.0.0.1', port: server.address()!.port },
    {
      onOpen: (opened) => void (hello !== '' && opened.write(hello)),
      onData: (_conn, chunk) => void chunks.push(Buffer.from(chunk)),
      onEnd(ending) {
        hasEnded = true;
        ending.end();
      },
      onClose: (_conn, reason, cause) =>
        close({
          text: String(Buffer.concat(chunks)),
          hasEnded,
          reason,
          code: (cause as { code?: string } | undefined)?.code,
        }),
    },
  );
  return { conn, closed };
}
