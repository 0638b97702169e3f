/**
 * Connections as Node streams: one that is open, and all of a listener's.
 *
 * Rule: the stream is the only one that reads and writes from then on; whatever was read before is its first chunk.
 */
import type { Connection } from '../connection-contract.ts';
import { checkOptionNames } from '../options.ts';
import type { Protocol } from '../protocol.ts';
import { ConnectionDuplex, type DuplexOptions } from './connection-duplex.ts';

/** What `toDuplex` takes: options of the stream, and its first bytes. */
export interface ToDuplexOptions extends DuplexOptions {
  /** What was read and belongs to the stream: its first chunk. It is copied. */
  readonly head?: Uint8Array;
}

const NAMES = ['allowHalfOpen', 'readableHighWaterMark', 'writableHighWaterMark'];

/**
 * Hands an open connection over to a stream, for good (`conn.become`): its protocol so far hears nothing more. What that has
 * written leaves first. Of a connection that is closing or closed the stream is destroyed.
 *
 * @throws UsageError `ERR_BECOME` during a handshake, in `onOpen` (listen with {@link fromDuplex} instead) and after `end()`;
 * `ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`.
 */
export function toDuplex(conn: Connection, options: ToDuplexOptions = {}): ConnectionDuplex {
  checkOptionNames('toDuplex', options, ['head', ...NAMES]);
  let made: ConnectionDuplex | undefined;
  const protocol = ConnectionDuplex.protocol(options, (stream) => {
    made = stream;
  });
  if (conn.become(protocol, options.head) && made !== undefined) return made;
  return new ConnectionDuplex(conn, options).destroy();
}

/**
 * A protocol whose connections are streams: `handler` gets each when it is open, and `conn.state` is it.
 *
 * ```ts
 * await reactor.listen({ port: 8080 }, fromDuplex((socket) => httpServer.emit('connection', socket)));
 * const { state: socket } = await reactor.connect({ host, port }, fromDuplex());
 * ```
 */
export function fromDuplex(
  handler: (stream: ConnectionDuplex) => void = () => {},
  options: DuplexOptions = {},
): Protocol<ConnectionDuplex> {
  checkOptionNames('fromDuplex', options, NAMES);
  return ConnectionDuplex.protocol(options, handler);
}
