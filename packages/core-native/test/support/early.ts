/** Sessions that come back with early data. */
import { type NativeTlsContext, READ_MORE, Status } from '../../src/index.ts';
import { until } from './loopback.ts';
import { openTlsPair, readExactly, type TlsPair, tlsPair, writeAll } from './tls-pair.ts';

/** A session of `serverContext`, by a visit in full. */
export function sessionFrom(clientContext: NativeTlsContext, serverContext: NativeTlsContext): Buffer {
  const pair = openTlsPair(clientContext, serverContext);
  writeAll(pair.server, pair.sockets.server, Buffer.from('x'));
  readExactly(pair.client, pair.sockets.client, 1);
  const session = pair.client.exportSession();
  pair.close();
  if (session === undefined) throw new Error('no ticket came');
  return session;
}

/** A pair whose client has said `words` with its first flight, and whose server has answered with its own. */
export function earlyPair(
  clientContext: NativeTlsContext,
  serverContext: NativeTlsContext,
  words: Uint8Array,
  session = sessionFrom(clientContext, serverContext),
): TlsPair {
  const pair = tlsPair(clientContext, serverContext, { session, earlyData: true });
  const { client, server, sockets } = pair;
  if (client.handshake() !== Status.early) throw new Error('the client offers no early data');
  writeAll(client, sockets.client, words);
  if (until(sockets.server, () => earlyAsZero(server.handshake())) !== 0) throw new Error('not taken');
  return pair;
}

/** `early` is what is waited for. */
function earlyAsZero(progress: number): number {
  return progress === Status.early ? 0 : progress === 0 ? 1 : progress;
}

/** What the next read that has something to say answers: its bytes, or a status. */
export function readNext(session: TlsPair['client'], fd: number, length = 1000): string | number {
  const buffer = Buffer.alloc(length);
  let told = Status.wantsRead as number;
  until(fd, () => {
    told = session.read(buffer, 0, length);
    return told === Status.opened || told === Status.ended ? 0 : told;
  });
  return told < 0 ? told : buffer.toString('latin1', 0, told & ~READ_MORE);
}
