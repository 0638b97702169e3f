/**
 * Connections as web streams: one that is open, and all of a listener's.
 *
 * Rule: the streams are the only ones that read and write from then on; whatever was read before comes first.
 */
import type { Connection } from '../connection-contract.ts';
import { checkOptionNames } from '../options.ts';
import type { Protocol } from '../protocol.ts';
import { WebFlow, type WebStreams } from './web-flow.ts';

/**
 * Hands an open connection over to a pair of web streams, for good (`conn.become`): its protocol so far hears nothing more.
 * `head` is what was read and belongs to the streams; it is copied. Of a connection that is closing or closed both are errored.
 *
 * @throws UsageError `ERR_BECOME` during a handshake, in `onOpen` (listen with {@link fromWebStreams} instead) and after
 * `end()`; `ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`.
 */
export function toWebStreams(conn: Connection, options: { readonly head?: Uint8Array } = {}): WebStreams {
  checkOptionNames('toWebStreams', options, ['head']);
  let made: WebStreams | undefined;
  const protocol = WebFlow.protocol((streams) => {
    made = streams;
  });
  if (conn.become(protocol, options.head) && made !== undefined) return made;
  return WebFlow.ofClosed(conn);
}

/**
 * A protocol whose connections are web streams: `handler` gets those of each connection when it is open, and `conn.state` is
 * them. What it throws or rejects with destroys the connection and is reported, unless it is what that failed with. That it
 * returns ends nothing: close the writable.
 */
export function fromWebStreams(
  handler: (streams: WebStreams, conn: Connection) => void | Promise<void> = () => {},
): Protocol<WebStreams> {
  return WebFlow.protocol(handler) as Protocol<WebStreams>;
}
